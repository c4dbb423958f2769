import { useState } from 'preact/hooks'
import type { Configuration } from '../model/change-shapes.ts'
import { shownValue } from '../model/format.ts'
import { changedFields, type EditableField, type EditableGroup } from '../model/setting-rows.ts'
import { PreviewForm } from './preview-form.tsx'

interface SettingEditorProps {
  readonly group: EditableGroup
  /** '' for all of them. */
  readonly service: string
  readonly configuration: Configuration
  readonly onDone: () => void
  readonly onToken: () => void
}

/** Settings that belong together, as one document in KV has them. */
export function SettingEditor({ group, service, configuration, onDone, onToken }: SettingEditorProps) {
  const [form, setForm] = useState<Readonly<Record<string, string>>>({})
  const own = configuration.services[service]
  const valueAt = (path: string): unknown =>
    service === '' ? configuration.defaults[path] : own?.[path]?.value
  const changed = changedFields(group.fields, valueAt, form)
  const isChanged = Object.keys(changed).length > 0
  return (
    <PreviewForm
      title={group.title}
      path={`configure/${group.what}`}
      body={isChanged ? { ...changed, ...(service === '' ? {} : { service }) } : null}
      onUndo={() => setForm({})}
      onDone={() => {
        setForm({})
        onDone()
      }}
      onToken={onToken}
    >
      {group.fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          value={form[field.name] ?? textOf(valueAt(field.path))}
          source={service === '' ? null : (own?.[field.path]?.source ?? null)}
          onValue={(text) => setForm({ ...form, [field.name]: text })}
        />
      ))}
    </PreviewForm>
  )
}

interface FieldProps {
  readonly field: EditableField
  readonly value: string
  readonly source: string | null
  readonly onValue: (text: string) => void
}

function Field({ field, value, source, onValue }: FieldProps) {
  const { label, kind, choices, hint } = field
  const id = `${field.path}-hint`
  const set = (event: { currentTarget: { value: string } }) => onValue(event.currentTarget.value)
  const told = kind === 'switch' ? ['true', 'false'] : (choices ?? [])
  return (
    <div class="field">
      <label>
        <span>{label}</span>
        {kind === 'choice' || kind === 'switch' ? (
          <select value={value} aria-describedby={id} onChange={set}>
            {told.map((choice) => (
              <option key={choice} value={choice}>
                {kind === 'switch' ? (choice === 'true' ? 'on' : 'off') : choice}
              </option>
            ))}
          </select>
        ) : (
          <input
            type={kind === 'number' ? 'number' : 'text'}
            min={field.least}
            max={field.most}
            step={field.step ?? (kind === 'number' ? 1 : undefined)}
            value={value}
            aria-describedby={id}
            onInput={set}
          />
        )}
      </label>
      <small id={id}>
        {hint}
        {source !== null && source !== 'built-in' && ` · set in ${source}`}
      </small>
    </div>
  )
}

const textOf = (value: unknown): string =>
  value === null || value === undefined ? '' : typeof value === 'object' ? shownValue(value) : String(value)

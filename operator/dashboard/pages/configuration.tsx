import { useState } from 'preact/hooks'
import { announce } from '../data/announce.ts'
import { ApiFailure, type Failure, writeJson } from '../data/api.ts'
import { mesh } from '../data/mesh.ts'
import { go, usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import { useStore } from '../data/store.ts'
import type { ChangedEntity, Configuration } from '../model/api-shapes.ts'
import { plural, shownValue } from '../model/format.ts'
import { changedFields, EDITABLE, type EditableField, type EditableGroup } from '../model/setting-rows.ts'
import { to } from '../model/url-state.ts'
import { Diff } from '../ui/diff.tsx'
import { LevelIcon } from '../ui/icon.tsx'
import { Panel } from '../ui/panel.tsx'
import { SettingsTable } from './settings-table.tsx'

export function ConfigurationPage({ onToken }: { readonly onToken: () => void }) {
  const place = usePlace()
  const service = place.params['service'] ?? ''
  const query = service === '' ? 'configure' : `configure?service=${encodeURIComponent(service)}`
  const [loaded, retry] = useResource<Configuration>(query, 20_000)
  const names = useStore(mesh.state, ({ data }) => data?.rows)
  const choose = (name: string) => go(to(place, 'configuration', '', { service: name }))
  return (
    <>
      <h1>Configuration</h1>
      <p class="lead">
        Settings live in Consul's KV. What is changed here is written there, for every operator and every
        Kong.
      </p>
      <div class="toolbar toolbar-page">
        <label>
          <span>Settings of</span>
          <select value={service} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="">the whole mesh (mesh/defaults)</option>
            {[...new Set([...(service === '' ? [] : [service]), ...(names?.keys() ?? [])])]
              .sort()
              .map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
          </select>
        </label>
      </div>
      <div class="columns columns-even">
        <div>
          {EDITABLE.map((group) => (
            <Panel key={`${service} ${group.what}`} title={group.title} loaded={loaded} retry={retry}>
              {(configuration) => (
                <Editor
                  key={`${service} ${group.what}`}
                  group={group}
                  service={service}
                  configuration={configuration}
                  onDone={retry}
                  onToken={onToken}
                />
              )}
            </Panel>
          ))}
        </div>
        <div>
          <Panel title="In force" loaded={loaded} retry={retry}>
            {(configuration) => (
              <SettingsTable key={service} configuration={configuration} service={service} startsWithAll />
            )}
          </Panel>
        </div>
      </div>
    </>
  )
}

interface Previewed {
  readonly changes: readonly (ChangedEntity & { readonly service: string })[]
  readonly total: number
}

interface EditorProps {
  readonly group: EditableGroup
  readonly service: string
  readonly configuration: Configuration
  readonly onDone: () => void
  readonly onToken: () => void
}

/** Values, then what they would change in Kong, then the writing: nothing is written before it was seen. */
function Editor({ group, service, configuration, onDone, onToken }: EditorProps) {
  const [form, setForm] = useState<Readonly<Record<string, string>>>({})
  const [preview, setPreview] = useState<Previewed | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const [isWorking, setIsWorking] = useState(false)
  const own = configuration.services[service]
  const valueAt = (path: string): unknown =>
    service === '' ? configuration.defaults[path] : own?.[path]?.value
  const changed = changedFields(group.fields, valueAt, form)
  const isChanged = Object.keys(changed).length > 0
  const body = { ...changed, ...(service === '' ? {} : { service }) }

  const work = async (job: () => Promise<void>) => {
    setIsWorking(true)
    setFailure(null)
    try {
      await job()
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error
      setFailure(error.failure)
      announce(error.failure.message)
    } finally {
      setIsWorking(false)
    }
  }
  const look = () =>
    work(async () => {
      const answer = await writeJson<Previewed>('POST', `configure/${group.what}?preview=true`, body)
      setPreview({ changes: answer.changes, total: answer.total })
      announce(`${plural(answer.total, 'change')} in Kong would follow`)
    })
  const apply = () =>
    work(async () => {
      await writeJson('POST', `configure/${group.what}`, body)
      announce(`${group.title} is written to Consul`)
      setPreview(null)
      setForm({})
      onDone()
    })
  return (
    <form
      class="editor"
      aria-label={group.title}
      onSubmit={(event) => {
        event.preventDefault()
        if (isChanged) void look()
      }}
    >
      {group.fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          value={form[field.name] ?? textOf(valueAt(field.path))}
          source={service === '' ? null : (own?.[field.path]?.source ?? null)}
          onValue={(text) => {
            setForm({ ...form, [field.name]: text })
            setPreview(null)
          }}
        />
      ))}
      {failure !== null && (
        <p class="note note-bad" role="alert">
          <LevelIcon level="bad" />
          <span>{failure.message}</span>
          {failure.kind === 'denied' && (
            <button type="button" class="link" onClick={onToken}>
              Set a token
            </button>
          )}
        </p>
      )}
      {preview === null ? (
        <div class="actions">
          <button type="submit" class={isChanged ? 'primary' : ''} disabled={!isChanged || isWorking}>
            Preview
          </button>
          {isChanged && (
            <button type="button" onClick={() => setForm({})}>
              Undo
            </button>
          )}
        </div>
      ) : (
        <div class="preview">
          <h3>
            {preview.total === 0 ? 'Nothing in Kong changes' : `${plural(preview.total, 'change')} in Kong`}
          </h3>
          {preview.total === 0 && (
            <p class="muted">
              The value is stored in Consul; Kong holds the same as before, or the operator alone uses it.
            </p>
          )}
          <Diff entities={preview.changes} />
          {preview.total > preview.changes.length && (
            <p class="muted">and {preview.total - preview.changes.length} more</p>
          )}
          <div class="actions">
            <button type="button" class="primary" disabled={isWorking} onClick={() => void apply()}>
              Apply
            </button>
            <button type="button" onClick={() => setPreview(null)}>
              Back
            </button>
          </div>
        </div>
      )}
    </form>
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

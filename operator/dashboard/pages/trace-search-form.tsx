import { useState } from 'preact/hooks'
import { useNames } from '../data/mesh.ts'
import { replaceParams } from '../data/place.ts'
import type { TraceSearch } from '../model/trace-search.ts'
import { NameList } from '../ui/name-list.tsx'

interface SearchFormProps {
  readonly search: TraceSearch
  readonly faults: Readonly<Record<string, string>>
}

export function SearchForm({ search, faults }: SearchFormProps) {
  const [form, setForm] = useState(search)
  const names = useNames()
  const set = (field: keyof TraceSearch) => (event: { currentTarget: HTMLInputElement }) =>
    setForm((now) => ({ ...now, [field]: event.currentTarget.value }))
  const apply = (next: TraceSearch) =>
    replaceParams({
      service: next.service.trim(),
      operation: next.operation.trim(),
      min: next.min.trim(),
      max: next.max.trim(),
      tag: next.tag.trim(),
      errors: next.errors ? '1' : '',
      page: '',
    })
  const field = (
    name: 'service' | 'operation' | 'min' | 'max' | 'tag',
    label: string,
    placeholder: string,
    list?: string,
  ) => (
    <label class={`field field-${name}`}>
      <span>{label}</span>
      <input
        type="text"
        list={list}
        value={form[name]}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={faults[name] !== undefined}
        aria-describedby={faults[name] === undefined ? undefined : `fault-${name}`}
        onInput={set(name)}
      />
      {faults[name] !== undefined && (
        <small class="is-bad" id={`fault-${name}`}>
          {faults[name]}
        </small>
      )}
    </label>
  )
  return (
    <form
      class="panel search-form"
      aria-label="Search traces"
      onSubmit={(event) => {
        event.preventDefault()
        apply(form)
      }}
    >
      {field('service', 'Service', 'any', 'trace-services')}
      <NameList id="trace-services" names={names} />
      {field('operation', 'Operation', 'any')}
      {field('min', 'Took at least', '120ms')}
      {field('max', 'At most', '2s')}
      {field('tag', 'Attributes', 'http.response.status_code:500')}
      <label class="check">
        <input
          type="checkbox"
          checked={form.errors}
          onChange={(event) => {
            const next = { ...form, errors: event.currentTarget.checked }
            setForm(next)
            apply(next)
          }}
        />
        <span>With errors</span>
      </label>
      <button type="submit" class="primary">
        Search
      </button>
    </form>
  )
}

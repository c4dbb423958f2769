import { useState } from 'preact/hooks'
import { mesh } from '../data/mesh.ts'
import { go, replaceParams, usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import { useStore } from '../data/store.ts'
import type { Bottlenecks, TraceSummary } from '../model/api-shapes.ts'
import { duration, percent } from '../model/format.ts'
import { rangeLabel, rangeMs } from '../model/ranges.ts'
import { pageOf } from '../model/service-rows.ts'
import { searchFaults, searchOf, searchPath, type TraceSearch } from '../model/trace-search.ts'
import { hashOf } from '../model/url-state.ts'
import { PageLink, ServiceLink } from '../ui/links.tsx'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { TraceTable } from './trace-table.tsx'

/** Searches begin at whole steps of this, so that one asked again is the same. */
const STEP_MS = 30_000
const PAGE_SIZE = 25

export function TracesPage() {
  const place = usePlace()
  const search = searchOf(place.params)
  const faults = searchFaults(search)
  const isWrong = Object.keys(faults).length > 0
  const startMs = Math.floor((Date.now() - rangeMs(place.range)) / STEP_MS) * STEP_MS
  const [loaded, retry] = useResource<{ traces: readonly TraceSummary[]; total: number }>(
    isWrong ? null : searchPath(search, startMs),
    10_000,
  )
  const isNarrow = Object.keys(place.params).length > 0
  return (
    <>
      <h1>Traces</h1>
      <SearchForm key={JSON.stringify(search)} search={search} faults={faults} />
      <Panel
        title="Found"
        aside={
          loaded.data === null ? undefined : (
            <span class="muted">
              {loaded.data.total > loaded.data.traces.length
                ? `the newest ${loaded.data.traces.length} of ${loaded.data.total}`
                : `${loaded.data.total} in the last ${rangeLabel(place.range)}`}
            </span>
          )
        }
        loaded={loaded}
        retry={retry}
        empty={({ traces }) =>
          traces.length > 0 ? null : isNarrow ? (
            <>
              <p>
                <b>No trace fits.</b>
              </p>
              <p class="muted">
                Look back farther with the range at the top, or{' '}
                <button type="button" class="link" onClick={() => go(hashOf({ ...place, params: {} }))}>
                  search for all
                </button>
                .
              </p>
            </>
          ) : (
            <>
              <p>
                <b>No trace in the last {rangeLabel(place.range)}.</b>
              </p>
              <p class="muted">
                Send a request through the proxy, or spans as OTLP to <code>/v1/traces</code> of this
                operator.
              </p>
            </>
          )
        }
      >
        {({ traces }) => {
          const page = pageOf(traces, Number(place.params['page'] ?? 1), PAGE_SIZE)
          return (
            <>
              <TraceTable traces={page.shown} />
              <Pager
                page={page}
                what="traces"
                total={traces.length}
                onPage={(next) => replaceParams({ page: next === 1 ? '' : String(next) })}
              />
            </>
          )
        }}
      </Panel>
      <WhereTimeGoes />
    </>
  )
}

interface SearchFormProps {
  readonly search: TraceSearch
  readonly faults: Readonly<Record<string, string>>
}

function SearchForm({ search, faults }: SearchFormProps) {
  const [form, setForm] = useState(search)
  const names = useStore(mesh.state, ({ data }) => data?.rows)
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
      <datalist id="trace-services">
        {[...(names?.keys() ?? [])].slice(0, 500).map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
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

/** Bottlenecks are kept for half an hour. */
const MOST_MINUTES = 30

function WhereTimeGoes() {
  const { range } = usePlace()
  const minutes = Math.min(MOST_MINUTES, rangeMs(range) / 60_000)
  const [loaded, retry] = useResource<Bottlenecks>(`bottlenecks?window=${minutes}m&limit=8`, 20_000)
  return (
    <Panel
      title="Where the time goes"
      aside={<span class="muted">traces of the last {minutes} min</span>}
      loaded={loaded}
      retry={retry}
      empty={(data) => (data.services.length === 0 ? <p class="muted">No trace in this time.</p> : null)}
    >
      {(data) => (
        <div class="columns columns-even">
          <table>
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col">On critical paths</th>
                <th scope="col" class="num">
                  Of all time
                </th>
              </tr>
            </thead>
            <tbody>
              {data.services.map((each) => (
                <tr key={each.service}>
                  <th scope="row">
                    <ServiceLink name={each.service} />
                  </th>
                  <td class="took">
                    <span class="bar" aria-hidden="true">
                      <i style={{ width: `${Math.min(100, each.critical_share)}%` }} />
                    </span>
                    <span>{percent(each.critical_share)}</span>
                  </td>
                  <td class="num">{percent(each.share)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <table>
            <thead>
              <tr>
                <th scope="col">Slowest operations</th>
                <th scope="col" class="num">
                  Calls
                </th>
                <th scope="col" class="num">
                  p95
                </th>
              </tr>
            </thead>
            <tbody>
              {data.by_p95.map((each) => (
                <tr key={`${each.service} ${each.operation}`}>
                  <th scope="row" class="name">
                    <PageLink page="traces" params={{ service: each.service, operation: each.operation }}>
                      {each.operation}
                    </PageLink>{' '}
                    <span class="muted">{each.service}</span>
                  </th>
                  <td class="num">{each.calls}</td>
                  <td class="num">{duration(each.p95)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  )
}

import { go, usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import { count, span } from '../model/format.ts'
import { rangeLabel, rangeMs } from '../model/ranges.ts'
import { pageOf } from '../model/service-rows.ts'
import { searchFaults, searchOf, searchPath } from '../model/trace-search.ts'
import type { FoundTraces } from '../model/trace-shapes.ts'
import { hashOf } from '../model/url-state.ts'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { SearchForm } from './trace-search-form.tsx'
import { TraceTable } from './trace-table.tsx'
import { WhereTimeGoes } from './where-time-goes.tsx'

/** Searches begin at whole steps of this, so that one asked again is the same. */
const STEP_MS = 30_000
const PAGE_SIZE = 25

export function TracesPage() {
  const place = usePlace()
  const search = searchOf(place.params)
  const faults = searchFaults(search)
  const isWrong = Object.keys(faults).length > 0
  const startMs = Math.floor((Date.now() - rangeMs(place.range)) / STEP_MS) * STEP_MS
  const [loaded, retry] = useResource<FoundTraces>(isWrong ? null : searchPath(search, startMs), 10_000)
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
                ? `the newest ${count(loaded.data.traces.length)} of ${count(loaded.data.total)}`
                : `${loaded.data.total} in the last ${rangeLabel(place.range)}`}
              {loaded.data.kept_since !== null &&
                ` · kept for ${span(Math.max(0, Date.now() - Date.parse(loaded.data.kept_since)))}`}
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
              <Pager page={page} what="traces" total={traces.length} />
            </>
          )
        }}
      </Panel>
      <WhereTimeGoes />
    </>
  )
}

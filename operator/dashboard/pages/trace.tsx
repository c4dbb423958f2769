import { useNow } from '../data/clock.ts'
import { usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import type { Status } from '../model/api-shapes.ts'
import { jaegerLink } from '../model/deep-links.ts'
import { clock, duration, plural } from '../model/format.ts'
import type { Trace } from '../model/trace-shapes.ts'
import { State } from '../ui/icon.tsx'
import { OutLink, PageLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { STATUS } from './overview.tsx'
import { Waterfall } from './waterfall.tsx'

export function TracePage() {
  const { id } = usePlace()
  const now = useNow()
  const [loaded, retry] = useResource<Trace>(`traces/${encodeURIComponent(id)}`, 30_000)
  const [status] = useResource<Status>(STATUS)
  const { data } = loaded
  const inJaeger = status.data === null ? null : jaegerLink(status.data.links, id)
  return (
    <>
      <p class="crumbs">
        <PageLink page="traces">Traces</PageLink> <span class="muted">/</span> <code>{id}</code>
      </p>
      <h1 class="name">{data?.root_operation ?? 'Trace'}</h1>
      {data !== null && (
        <p class="lead">
          <State
            level={data.error_count > 0 ? 'bad' : 'ok'}
            text={data.error_count > 0 ? plural(data.error_count, 'error') : 'No error'}
          />{' '}
          <b>{duration(data.total_duration)}</b> · {plural(data.span_count, 'span')} ·{' '}
          {plural(data.services_involved.length, 'service')} · began {clock(data.start_time, now)}
          {inJaeger !== null && (
            <>
              {' · '}
              <OutLink href={inJaeger}>in Jaeger</OutLink>
            </>
          )}
        </p>
      )}
      <Panel
        title="Spans"
        loaded={loaded}
        retry={retry}
        partial={(trace) =>
          trace.dropped_spans > 0
            ? `${plural(trace.dropped_spans, 'span')} found no room in this trace`
            : trace.spans.some((span) => span.missing_parent)
              ? 'spans name parents that did not arrive (yet): they stand at the edge'
              : null
        }
        aside={
          <span class="legend-inline">
            <i class="critical-mark" /> critical path: what the trace waited for
          </span>
        }
      >
        {(trace) => <Waterfall trace={trace} />}
      </Panel>
    </>
  )
}

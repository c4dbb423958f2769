import { mesh } from '../data/mesh.ts'
import { usePlace } from '../data/place.ts'
import { useResource, useShared } from '../data/resource.ts'
import { duration, NONE, rate } from '../model/format.ts'
import { rangeMs } from '../model/ranges.ts'
import type { ServiceLatency, TraceSummary } from '../model/trace-shapes.ts'
import { FailingCell } from '../ui/failing-cell.tsx'
import { PageLink, ServiceLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { TableHead } from '../ui/table-head.tsx'
import { TraceTable } from './trace-table.tsx'

/** Who calls it, and whom it calls, out of the graph. */
export function Calls({ service }: { readonly service: string }) {
  const [loaded, retry] = useShared(mesh)
  return (
    <Panel
      title="Callers and callees"
      loaded={loaded}
      retry={retry}
      empty={(data) =>
        data.service_graph.edges.some(
          ({ source, target }) => source === service || target === service,
        ) ? null : (
          <p class="muted">No call from or to another service was seen.</p>
        )
      }
    >
      {(data) => (
        <table>
          <TableHead columns={['Call', { number: 'Req/s' }, { number: 'Failing' }, { number: 'p95' }]} />
          <tbody>
            {data.service_graph.edges
              .filter(({ source, target }) => source === service || target === service)
              .map((edge) => (
                <tr key={`${edge.source} ${edge.target}`}>
                  <th scope="row">
                    {edge.source === service ? (
                      <>
                        <span class="muted">calls</span> <ServiceLink name={edge.target} />
                      </>
                    ) : (
                      <>
                        <span class="muted">called by</span> <ServiceLink name={edge.source} />
                      </>
                    )}
                  </th>
                  <td class="num">{edge.seen_in === 'spans' ? NONE : rate(edge.request_rate)}</td>
                  <FailingCell errors={edge.error_rate} isCalled={edge.request_rate > 0} />
                  <td class="num">{edge.request_rate > 0 ? duration(edge.p95_latency) : NONE}</td>
                </tr>
              ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

/** Latencies by operation are kept for an hour. */
const MOST_MINUTES = 60

export function Operations({ service }: { readonly service: string }) {
  const { range } = usePlace()
  const minutes = Math.min(MOST_MINUTES, rangeMs(range) / 60_000)
  const [loaded, retry] = useResource<ServiceLatency>(
    `latency/${encodeURIComponent(service)}?window=${minutes}m`,
    15_000,
  )
  return (
    <Panel
      title="Operations"
      aside={<span class="muted">from spans of the last {minutes} min</span>}
      loaded={loaded}
      retry={retry}
      empty={(data) =>
        data.operations.length === 0 ? (
          <p class="muted">
            It sent no span of its own in this range. What the gateway saw of it is in its numbers above and
            in the traces.
          </p>
        ) : null
      }
    >
      {(data) => (
        <table>
          <TableHead columns={['Operation', { number: 'Calls' }, { number: 'Failing' }, { number: 'p95' }]} />
          <tbody>
            {data.operations.slice(0, 10).map((each) => (
              <tr key={each.operation}>
                <th scope="row" class="name">
                  <PageLink page="traces" params={{ service, operation: each.operation }}>
                    {each.operation}
                  </PageLink>
                </th>
                <td class="num">{each.calls}</td>
                <FailingCell errors={each.error_rate} />
                <td class="num">{duration(each.p95)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  )
}

export function RecentTraces({ service }: { readonly service: string }) {
  const [loaded, retry] = useResource<{ traces: readonly TraceSummary[] }>(
    `traces?service=${encodeURIComponent(service)}&limit=8`,
    10_000,
  )
  return (
    <Panel
      title="Newest traces"
      aside={
        <PageLink page="traces" params={{ service }}>
          Search its traces
        </PageLink>
      }
      loaded={loaded}
      retry={retry}
      empty={({ traces }) =>
        traces.length === 0 ? <p class="muted">No stored trace passed through it.</p> : null
      }
    >
      {({ traces }) => <TraceTable traces={traces} />}
    </Panel>
  )
}

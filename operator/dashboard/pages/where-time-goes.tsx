import { usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import { duration, percent } from '../model/format.ts'
import { rangeMs } from '../model/ranges.ts'
import type { Bottlenecks } from '../model/trace-shapes.ts'
import { PageLink } from '../ui/links.tsx'
import { Panel } from '../ui/panel.tsx'
import { TableHead } from '../ui/table-head.tsx'
import { TracedLink } from '../ui/traced-link.tsx'

/** Bottlenecks are kept for half an hour. */
const MOST_MINUTES = 30

export function WhereTimeGoes() {
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
            <TableHead columns={['Service', 'On critical paths', { number: 'Of all time' }]} />
            <tbody>
              {data.services.map((each) => (
                <tr key={each.service}>
                  <th scope="row">
                    <TracedLink name={each.service} />
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
            <TableHead columns={['Slowest operations', { number: 'Calls' }, { number: 'p95' }]} />
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

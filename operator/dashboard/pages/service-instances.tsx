import { useNow } from '../data/clock.ts'
import type { Loaded } from '../data/resource.ts'
import type { Circuit, ServiceNumbers, Status } from '../model/api-shapes.ts'
import { ago, duration, NONE, rate } from '../model/format.ts'
import { instanceRows } from '../model/instance-rows.ts'
import { FailingCell } from '../ui/failing-cell.tsx'
import { State } from '../ui/icon.tsx'
import { Panel } from '../ui/panel.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { TableHead } from '../ui/table-head.tsx'

export function Instances({
  status,
  retry,
  numbers,
  circuits,
}: {
  readonly status: Loaded<Status>
  readonly retry: () => void
  readonly numbers: Loaded<ServiceNumbers>
  readonly circuits: Loaded<{ circuits: readonly Circuit[] }>
}) {
  const now = useNow()
  const report = status.data?.services[0]
  const rows = report === undefined ? [] : instanceRows(report, numbers.data, circuits.data?.circuits ?? [])
  return (
    <Panel
      title="Instances"
      aside={
        report === undefined ? undefined : <span class="muted">{report.strategy.replaceAll('_', ' ')}</span>
      }
      loaded={status}
      retry={retry}
      partial={() =>
        numbers.data === null && numbers.failure !== null
          ? `requests are not counted here (${numbers.failure.message})`
          : circuits.failure !== null
            ? `circuits are not known (${circuits.failure.message})`
            : null
      }
      empty={() =>
        rows.length === 0 ? (
          <>
            <p>
              <b>No instance.</b>
            </p>
            <p class="muted">
              Register one in Consul, or with <code>kongsul register</code>.
            </p>
          </>
        ) : null
      }
    >
      {() => (
        <Scroll label="Table of instances">
          <table>
            <TableHead
              columns={[
                'State',
                'Instance',
                'Address',
                'Circuit',
                { number: 'Weight' },
                { number: 'Req/s' },
                { number: 'Failing' },
                { number: 'p95' },
                { number: 'In flight' },
                'Why',
              ]}
            />
            <tbody>
              {rows.map((row) => (
                <tr key={`${row.node} ${row.id}`}>
                  <td>
                    <State level={row.level} text={row.word} />
                  </td>
                  <th scope="row" class="name">
                    {row.id}
                  </th>
                  <td class="nowrap muted">{row.target}</td>
                  <td class="circuit">
                    <State level={row.circuitLevel} text={row.circuit} />
                    {row.address !== null && <small class="muted">at {row.address}</small>}
                    {row.until !== null && <small class="muted">tries again {ago(row.until, now)}</small>}
                  </td>
                  <td class="num">{row.weight}</td>
                  <td class="num">{rate(row.rate)}</td>
                  <FailingCell errors={row.errors} isCalled={Boolean(row.rate)} />
                  <td class="num">{row.rate ? duration(row.p95) : NONE}</td>
                  <td class="num">{rate(row.inFlight)}</td>
                  <td class="why">{row.why}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Panel>
  )
}

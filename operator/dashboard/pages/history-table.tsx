import { usePlace } from '../data/place.ts'
import type { HistorySample } from '../model/api-shapes.ts'
import { clock, duration, NONE, rate } from '../model/format.ts'
import { pageOf } from '../model/service-rows.ts'
import { FailingCell } from '../ui/failing-cell.tsx'
import { Pager } from '../ui/pager.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { TableHead } from '../ui/table-head.tsx'

const PAGE_SIZE = 20

interface HistoryTableProps {
  readonly samples: readonly HistorySample[]
  /** Epoch ms. */
  readonly fromMs: number
  readonly toMs: number
}

/** What the charts show, for those who rather read: a row for each sample, the newest first. */
export function HistoryTable({ samples, fromMs, toMs }: HistoryTableProps) {
  const { params } = usePlace()
  const shown = samples.filter(({ timestamp }) => Date.parse(timestamp) >= fromMs).reverse()
  const page = pageOf(shown, Number(params['samples'] ?? 1), PAGE_SIZE)
  return (
    <>
      <Scroll label="Table of samples">
        <table>
          <TableHead
            columns={['Time', { number: 'Req/s' }, { number: 'Failing' }, { number: 'Mean latency' }]}
          />
          <tbody>
            {page.shown.map((sample) => (
              <tr key={sample.timestamp}>
                <th scope="row">
                  <time dateTime={sample.timestamp}>{clock(sample.timestamp, toMs)}</time>
                </th>
                <td class="num">{rate(sample.request_rate)}</td>
                <FailingCell errors={100 - sample.success_rate} isCalled={sample.request_rate > 0} />
                <td class="num">{sample.request_rate > 0 ? duration(sample.avg_latency) : NONE}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <Pager page={page} what="samples" total={shown.length} param="samples" />
    </>
  )
}

import { useNow } from '../data/clock.ts'
import { clock, duration, plural } from '../model/format.ts'
import type { TraceSummary } from '../model/trace-shapes.ts'
import { State } from '../ui/icon.tsx'
import { PageLink } from '../ui/links.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { TableHead } from '../ui/table-head.tsx'

/** Traces in short, each with a bar as long as it took. */
export function TraceTable({ traces }: { readonly traces: readonly TraceSummary[] }) {
  const now = useNow()
  const longest = Math.max(...traces.map(({ total_duration }) => total_duration), 0.001)
  return (
    <Scroll label="Table of traces">
      <table class="traces">
        <TableHead columns={['Result', 'Trace', 'Through', { number: 'Spans' }, 'Took', 'Began']} />
        <tbody>
          {traces.map((trace) => (
            <tr key={trace.trace_id}>
              <td>
                <State
                  level={trace.status === 'error' ? 'bad' : 'ok'}
                  text={trace.status === 'error' ? plural(trace.error_count, 'error') : 'Fine'}
                />
              </td>
              <th scope="row" class="name">
                <PageLink page="trace" id={trace.trace_id}>
                  {trace.root_operation || trace.trace_id}
                </PageLink>
                <small class="through-below muted">{through(trace)}</small>
              </th>
              <td class="through" title={trace.services_involved.join(', ')}>
                {through(trace)}
              </td>
              <td class="num">{trace.span_count}</td>
              <td class="took">
                <span class="bar" aria-hidden="true">
                  <i style={{ width: `${Math.max(1, (100 * trace.total_duration) / longest)}%` }} />
                </span>
                <span>{duration(trace.total_duration)}</span>
              </td>
              <td class="nowrap">
                <time dateTime={trace.start_time}>{clock(trace.start_time, now)}</time>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

const MOST_NAMES = 6

function through({ services_involved: names }: TraceSummary): string {
  const more = names.length - MOST_NAMES
  return `${names.slice(0, MOST_NAMES).join(' · ')}${more > 0 ? ` +${more}` : ''}`
}

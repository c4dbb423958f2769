import { replaceParams, usePlace } from '../data/place.ts'
import type { GraphEdge } from '../model/api-shapes.ts'
import { count, duration, NONE, rate } from '../model/format.ts'
import { levelOfEdge, type ShownGraph } from '../model/graph-view.ts'
import { pageOf } from '../model/service-rows.ts'
import { compareLevels } from '../model/severity.ts'
import { FailingCell } from '../ui/failing-cell.tsx'
import { State } from '../ui/icon.tsx'
import { ServiceLink } from '../ui/links.tsx'
import { Pager } from '../ui/pager.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { SortHead } from '../ui/sort-head.tsx'

const PAGE_SIZE = 50

const isCalled = ({ request_rate, seen_in }: GraphEdge): boolean => request_rate > 0 || seen_in === 'spans'

const ORDERS: Readonly<Record<string, (left: GraphEdge, right: GraphEdge) => number>> = {
  worst: (left, right) =>
    compareLevels(levelOfEdge(left), levelOfEdge(right)) || right.request_rate - left.request_rate,
  caller: (left, right) => left.source.localeCompare(right.source),
  callee: (left, right) => left.target.localeCompare(right.target),
  rate: (left, right) => right.request_rate - left.request_rate,
  errors: (left, right) => right.error_rate - left.error_rate,
  p95: (left, right) => right.p95_latency - left.p95_latency,
}

/** The same graph for those who rather read: a row for each call. */
export function GraphTable({ shown }: { readonly shown: ShownGraph }) {
  const { params } = usePlace()
  const sort = params['sort'] !== undefined && params['sort'] in ORDERS ? params['sort'] : 'worst'
  const sorted = [...shown.edges].sort(ORDERS[sort])
  const page = pageOf(sorted, Number(params['page'] ?? 1), PAGE_SIZE)
  const by = (next: string) => () => replaceParams({ sort: next === 'worst' ? '' : next, page: '' })
  const called = new Set(shown.edges.flatMap(({ source, target }) => [source, target]))
  const alone = shown.nodes.filter(({ id }) => !called.has(id))
  return (
    <>
      <Scroll label="Table of calls">
        <table>
          <thead>
            <tr>
              <SortHead label="State" isSorted={sort === 'worst'} onSort={by('worst')} />
              <SortHead label="Caller" isSorted={sort === 'caller'} isUp onSort={by('caller')} />
              <SortHead label="Callee" isSorted={sort === 'callee'} isUp onSort={by('callee')} />
              <SortHead label="Req/s" isNumber isSorted={sort === 'rate'} onSort={by('rate')} />
              <SortHead label="Failing" isNumber isSorted={sort === 'errors'} onSort={by('errors')} />
              <SortHead label="p95" isNumber isSorted={sort === 'p95'} onSort={by('p95')} />
              <th scope="col" class="num">
                In all
              </th>
            </tr>
          </thead>
          <tbody>
            {page.shown.map((edge) => (
              <tr key={`${edge.source}\n${edge.target}`}>
                <td>
                  <State level={levelOfEdge(edge)} />
                </td>
                <th scope="row">
                  <ServiceLink name={edge.source} />
                </th>
                <td>
                  <ServiceLink name={edge.target} />
                </td>
                <td class="num">{edge.seen_in === 'spans' ? NONE : rate(edge.request_rate)}</td>
                <FailingCell errors={edge.error_rate} isCalled={isCalled(edge)} />
                <td class="num">{isCalled(edge) ? duration(edge.p95_latency) : NONE}</td>
                <td class="num">{count(edge.calls)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <Pager page={page} what="calls" total={sorted.length} />
      {alone.length > 0 && (
        <p class="alone">
          <span class="muted">Without calls:</span>{' '}
          {alone.slice(0, 40).map(({ id }, index) => (
            <span key={id}>
              {index > 0 && ', '}
              <ServiceLink name={id} />
            </span>
          ))}
          {alone.length > 40 && <span class="muted"> and {alone.length - 40} more</span>}
        </p>
      )}
    </>
  )
}

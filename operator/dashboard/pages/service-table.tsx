import { useMemo } from 'preact/hooks'
import type { Mesh } from '../data/mesh.ts'
import { replaceParams, usePlace } from '../data/place.ts'
import type { Loaded } from '../data/resource.ts'
import { duration, NONE, rate } from '../model/format.ts'
import { matchesSearch, pageOf, type ServiceRow, SORTS, type Sort, sortRows } from '../model/service-rows.ts'
import { FailingCell } from '../ui/failing-cell.tsx'
import { State } from '../ui/icon.tsx'
import { ServiceLink } from '../ui/links.tsx'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { Scroll } from '../ui/scroll.tsx'
import { SortHead } from '../ui/sort-head.tsx'

const PAGE_SIZE = 25

/** Every service, the worst first; searched, sorted and paged by the address. */
export function ServiceTable({
  loaded,
  retry,
}: {
  readonly loaded: Loaded<Mesh>
  readonly retry: () => void
}) {
  const { params } = usePlace()
  const search = params['find'] ?? ''
  const sort = SORTS.find((each) => each === params['sort']) ?? 'worst'
  const rows = loaded.data?.rows
  const found = useMemo(
    () =>
      sortRows(
        [...(rows?.values() ?? [])].filter((row) => matchesSearch(row.service_name, search)),
        sort,
      ),
    [rows, search, sort],
  )
  const page = pageOf(found, Number(params['page'] ?? 1), PAGE_SIZE)
  const by = (next: Sort) => () => replaceParams({ sort: next === 'worst' ? '' : next, page: '' })
  return (
    <Panel
      title="Services"
      loaded={loaded}
      retry={retry}
      aside={
        <label class="filter">
          <span class="sr-only">Only services whose name contains</span>
          <input
            type="search"
            placeholder="Filter by name"
            value={search}
            onInput={(event) => replaceParams({ find: event.currentTarget.value, page: '' })}
          />
        </label>
      }
      empty={(data) =>
        data.rows.size === 0 ? (
          <>
            <p>
              <b>No service yet.</b>
            </p>
            <p class="muted">
              Register one in Consul, or with <code>kongsul register</code>. Within a second it is here.
            </p>
          </>
        ) : found.length === 0 ? (
          <p>
            No service is called “{search}”.{' '}
            <button type="button" class="link" onClick={() => replaceParams({ find: '' })}>
              Show all {data.rows.size}
            </button>
          </p>
        ) : null
      }
    >
      {(data) => (
        <>
          <Scroll label="Table of services">
            <table class="services">
              <thead>
                <tr>
                  <SortHead
                    label="State"
                    title="The worst first"
                    isSorted={sort === 'worst'}
                    onSort={by('worst')}
                  />
                  <SortHead label="Service" isSorted={sort === 'name'} isUp onSort={by('name')} />
                  <SortHead
                    label="Healthy"
                    title="Most instances first"
                    isNumber
                    isSorted={sort === 'instances'}
                    onSort={by('instances')}
                  />
                  <SortHead label="Req/s" isNumber isSorted={sort === 'rate'} onSort={by('rate')} />
                  <SortHead label="Failing" isNumber isSorted={sort === 'errors'} onSort={by('errors')} />
                  <SortHead label="p95" isNumber isSorted={sort === 'p95'} onSort={by('p95')} />
                  <th scope="col">Why</th>
                </tr>
              </thead>
              <tbody>
                {page.shown.map((row) => (
                  <Row key={row.service_name} row={row} isMeasured={data.isMeasured} />
                ))}
              </tbody>
            </table>
          </Scroll>
          <Pager page={page} what="services" total={found.length} />
        </>
      )}
    </Panel>
  )
}

function Row({ row, isMeasured }: { readonly row: ServiceRow; readonly isMeasured: boolean }) {
  const { verdict, request_rate: rps } = row
  const isCalled = isMeasured && rps > 0
  return (
    <tr>
      <td>
        <State level={verdict.level} />
      </td>
      <th scope="row">
        <ServiceLink name={row.service_name} />
      </th>
      <td class="num">
        {row.healthy_count}
        <span class="muted">/{row.instance_count}</span>
      </td>
      <td class="num">{isMeasured ? rate(rps) : NONE}</td>
      <FailingCell errors={row.error_rate} isCalled={isCalled} />
      <td class="num">{isCalled ? duration(row.p95_latency) : NONE}</td>
      <td class="why">{verdict.why.join(' · ')}</td>
    </tr>
  )
}

import { useNames } from '../data/mesh.ts'
import { replaceParams, usePlace } from '../data/place.ts'
import { useResource } from '../data/resource.ts'
import type { Change } from '../model/change-shapes.ts'
import { plural } from '../model/format.ts'
import { rangeMs } from '../model/ranges.ts'
import { pageOf } from '../model/service-rows.ts'
import { NameList } from '../ui/name-list.tsx'
import { Pager } from '../ui/pager.tsx'
import { Panel } from '../ui/panel.tsx'
import { ChangeList } from './change-list.tsx'

const PAGE_SIZE = 25

export function ChangesPage() {
  const { params, range } = usePlace()
  const names = useNames()
  const service = params['service'] ?? ''
  const query = service === '' ? 'limit=500' : `limit=500&service=${encodeURIComponent(service)}`
  const [loaded, retry] = useResource<{ changes: readonly Change[]; total: number }>(`changes?${query}`)
  const sinceMs = (loaded.atMs ?? 0) - rangeMs(range)
  const isFailedOnly = params['result'] === 'failed'
  const inRange = (loaded.data?.changes ?? []).filter(
    ({ time, result }) => Date.parse(time) >= sinceMs && (!isFailedOnly || result === 'failed'),
  )
  const page = pageOf(inRange, Number(params['page'] ?? 1), PAGE_SIZE)
  return (
    <>
      <h1>Changes</h1>
      <p class="lead">What the operator wrote to Kong, when, and what made it do so.</p>
      <Panel
        title={service === '' ? 'All services' : `Of ${service}`}
        loaded={loaded}
        retry={retry}
        aside={
          <div class="toolbar">
            <label>
              <span>Service</span>
              <input
                type="search"
                list="change-services"
                placeholder="all"
                value={service}
                onChange={(event) => replaceParams({ service: event.currentTarget.value.trim(), page: '' })}
              />
            </label>
            <NameList id="change-services" names={names} />
            <label class="check">
              <input
                type="checkbox"
                checked={isFailedOnly}
                onChange={(event) =>
                  replaceParams({ result: event.currentTarget.checked ? 'failed' : '', page: '' })
                }
              />
              <span>Failed only</span>
            </label>
          </div>
        }
        empty={(data) =>
          inRange.length > 0 ? null : data.changes.length === 0 ? (
            <>
              <p>
                <b>Nothing was written since this operator was started.</b>
              </p>
              <p class="muted">Another one may lead: a follower writes nothing.</p>
            </>
          ) : (
            <p>
              Nothing {isFailedOnly ? 'failed' : 'was written'} in this range;{' '}
              {plural(data.changes.length, 'change')} {isFailedOnly ? 'in all' : 'before it'}.
            </p>
          )
        }
      >
        {() => (
          <>
            <ChangeList changes={page.shown} isOfOne={service !== ''} />
            <Pager page={page} what="changes" total={inRange.length} />
          </>
        )}
      </Panel>
    </>
  )
}

// How long changes of a churn take from Consul to Kong, told by the writes that a proxy saw.
import { targetId, upstreamName } from '../../operator/core/names.ts'
import type { AdminCall } from './admin-proxy.ts'
import type { ChurnChange } from './churn.ts'

export type Written = ReadonlyMap<string, readonly number[]>

/** When each target was written, by its id, ms. */
export function writesByTarget(calls: readonly AdminCall[]): Written {
  const times = new Map<string, number[]>()
  for (const { method, path, body, doneMs } of calls) {
    if (method === 'GET') continue
    const [, kind, , list, id] = path.split('/')
    if (kind !== 'upstreams' || list !== 'targets') continue
    const sent = body === '' ? {} : (JSON.parse(body) as { id?: string })
    const key = decodeURIComponent(id ?? sent.id ?? '')
    times.set(key, [...(times.get(key) ?? []), doneMs])
  }
  return times
}

/** Ms from Consul having taken a change until the first write of its target after that; null: a later change came first. */
export function lagsOf(mesh: string, changes: readonly ChurnChange[], written: Written): (number | null)[] {
  return changes
    .filter(({ target }) => target !== null)
    .map(({ service, target, madeMs, takenMs }) => {
      const id = targetId(mesh, upstreamName(service), target!)
      const doneMs = written.get(id)?.find((ms) => ms > madeMs)
      return doneMs === undefined ? null : Math.max(0, doneMs - takenMs)
    })
}

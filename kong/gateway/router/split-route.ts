import { createHash } from 'node:crypto'
import type { RouteRow } from './route-row.ts'

export interface RoutePart {
  /** Id that breaks ties: the route's own, or one derived from it when its paths had to be split. */
  readonly entryId: string
  readonly route: RouteRow
}

/**
 * One part per path length and one for all regexes, because a part has exactly one priority.
 * The derived ids are Kong's (kong/router/transform.lua), since they decide ties between routes.
 */
export function splitRoute(route: RouteRow): readonly RoutePart[] {
  const paths = route.paths
  if (!paths || paths.length < 2) return [{ entryId: route.id, route }]
  const groups = new Map<number, string[]>()
  for (const path of paths) {
    const key = path.startsWith('~') ? 0 : Buffer.byteLength(path)
    const group = groups.get(key)
    if (group) group.push(path)
    else groups.set(key, [path])
  }
  if (groups.size === 1) return [{ entryId: route.id, route }]
  return [...groups.values()].map((group, index) => ({
    entryId: uuidV5(`${route.id}#${index + 1}`),
    route: { ...route, paths: group },
  }))
}

const NAMESPACE = Buffer.from('7f145bf90dce4f9198ebdebbce4b9f6b', 'hex')

function uuidV5(name: string): string {
  const hash = createHash('sha1').update(NAMESPACE).update(name).digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  const hex = hash.toString('hex', 0, 16)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

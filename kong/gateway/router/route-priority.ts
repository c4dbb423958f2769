import type { RouteRow } from './route-row.ts'

/** An unsigned 64-bit number as two halves; larger goes first. */
export interface Priority {
  readonly high: number
  readonly low: number
}

/**
 * Kong's priority of one route (its paths all regexes, or all prefixes of one length).
 *
 * Source: kong/router/transform.lua `get_priority` of 3.9. Its diagram promises: number of attribute kinds, then
 * plain hosts, headers, regex, length. What 3.9.1 computes is something else, because all but the two flag bits are
 * shifted as 32-bit integers: plain hosts first, then regexes, then kinds (bits 29-31), headers (20-27), regex
 * priority (19 up) and length (0-18), where overlapping fields are or-ed. A negative 32-bit result (four or more
 * kinds) is sign-extended and so outranks everything. We order requests as the running Kong does.
 */
export function routePriority(route: RouteRow): Priority {
  const headerNames = route.headers ? Object.keys(route.headers) : []
  const kinds =
    count(route.sources) +
    count(route.destinations) +
    count(route.methods) +
    count(route.hosts) +
    count(route.snis) +
    count(route.paths) +
    (headerNames.length > 0 ? 1 : 0)
  const first = route.paths?.[0]
  const isRegex = first?.startsWith('~') ?? false
  const length = first !== undefined && !isRegex ? Buffer.byteLength(first) & 0x7ffff : 0
  const fields =
    (kinds << 29) |
    (Math.min(headerNames.length, 255) << 20) |
    (isRegex ? (route.regex_priority ?? 0) << 19 : 0) |
    length
  const plainHosts = route.hosts !== null && route.hosts !== undefined && !route.hosts.some(isWildcard)
  const flags = (plainHosts ? 2 ** 28 : 0) + (isRegex ? 2 ** 19 : 0)
  return { high: fields < 0 ? 0xffffffff : flags, low: fields >>> 0 }
}

/** Negative when `a` is tried before `b`: by priority, then by id, the larger first (not by age). */
export function compareEntries(
  a: { readonly priority: Priority; readonly entryId: string },
  b: { readonly priority: Priority; readonly entryId: string },
): number {
  if (a.priority.high !== b.priority.high) return b.priority.high - a.priority.high
  if (a.priority.low !== b.priority.low) return b.priority.low - a.priority.low
  return a.entryId < b.entryId ? 1 : a.entryId > b.entryId ? -1 : 0
}

function count(list: readonly unknown[] | null | undefined): number {
  return list && list.length > 0 ? 1 : 0
}

function isWildcard(host: string): boolean {
  return host.includes('*')
}

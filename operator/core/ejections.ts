/**
 * Ejections in KV: `mesh/ejections/<upstream>/<target>`, written for the plugin process that took an instance out. Until
 * its deadline nobody else puts the target back. Nodes without a database have marks of their own, and each its own record
 * below that: `.../<target>/<node>`. Of a host name it is one address: `<name>:<port>@<ip>:<port>`. Time is passed in.
 */

import { normalInstance, placeOf } from './instance-key.ts'
import type { KvRows } from './settings-status.ts'

export interface Ejection {
  /** Name of the upstream in Kong, `web.mesh`. */
  readonly upstream: string
  /** `host:port` in Kong's form, of a host name with the address (`instanceKey`). */
  readonly target: string
  /** When the process that owns it puts it back, or ejects it anew. */
  readonly untilMs: number
  readonly sinceMs: number | null
  readonly reason: string
  /** Plugin process that decided it. */
  readonly owner: string
  /** Of a host name: how many addresses it had. */
  readonly addresses?: number
  /** Its node has marks of its own: elsewhere the target is not out. */
  readonly isOwnMark?: true
}

/** By `ejectionKey`. */
export type Ejections = ReadonlyMap<string, Ejection>

const PREFIX = 'mesh/ejections/'

/** @param node whose own mark it is; null where all nodes share their marks */
export const ejectionKey = (upstream: string, target: string, node: string | null = null): string =>
  `${PREFIX}${upstream}/${target}${node ? `/${encodeURIComponent(node)}` : ''}`

/** What is readable of the rows; one without a deadline claims nothing: nothing may stay ejected for ever. */
export function ejectionsIn(rows: KvRows): Ejections {
  const found = new Map<string, Ejection>()
  for (const [key, { text }] of rows) {
    if (!key.startsWith(PREFIX)) continue
    const [upstream, target, node, ...rest] = key.slice(PREFIX.length).split('/')
    if (!upstream || !target || rest.length > 0) continue
    const ejection = ejectionOf(upstream, normalInstance(target), text)
    if (ejection === null) continue
    if (node === undefined) found.set(ejectionKey(upstream, ejection.target), ejection)
    else if (node === encodeURIComponent(ejection.owner))
      found.set(ejectionKey(upstream, ejection.target, ejection.owner), { ...ejection, isOwnMark: true })
  }
  return found
}

/** Of each target, by `ejectionKey` without a node, the ejection that ends last: until then it is left alone. */
export function lastingEjections(ejections: Ejections): Ejections {
  const last = new Map<string, Ejection>()
  for (const each of ejections.values()) {
    const key = ejectionKey(each.upstream, each.target)
    if ((last.get(key)?.untilMs ?? Number.NEGATIVE_INFINITY) < each.untilMs) last.set(key, each)
  }
  return last
}

export function ejectionText({ untilMs, sinceMs, reason, owner, addresses }: Ejection): string {
  const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
  return JSON.stringify({ until: iso(untilMs), since: iso(sinceMs), reason, owner, addresses })
}

/**
 * Until when the target is left alone: its process has `graceMs` after the deadline to put it back itself.
 * @returns null where nobody claims it
 */
export function claimEndMs(ejection: Ejection | undefined, graceMs: number): number | null {
  return ejection === undefined ? null : ejection.untilMs + graceMs
}

/** The ejections of a target: of all that it is, and of each address of a host name. */
export const ejectionsOf = (
  ejections: readonly Ejection[],
  upstream: string,
  target: string,
): readonly Ejection[] =>
  ejections.filter((each) => each.upstream === upstream && placeOf(each.target).target === target)

/** Do these ejections of one target leave nothing of it? */
export function isWhollyOut(ejections: readonly Ejection[]): boolean {
  const addresses = new Set(ejections.map(({ target }) => target))
  return ejections.some(
    (each) => placeOf(each.target).address === null || addresses.size >= (each.addresses ?? 1),
  )
}

/** Upstreams whose ejections differ. */
export function changedEjections(before: Ejections, after: Ejections): readonly string[] {
  const upstreams = new Set<string>()
  for (const [key, { upstream, untilMs }] of after) {
    if (before.get(key)?.untilMs !== untilMs) upstreams.add(upstream)
  }
  for (const [key, { upstream }] of before) if (!after.has(key)) upstreams.add(upstream)
  return [...upstreams].sort()
}

function ejectionOf(upstream: string, target: string, text: string): Ejection | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null // not ours
  }
  if (typeof value !== 'object' || value === null) return null
  const { until, since, reason, owner, addresses } = value as Readonly<Record<string, unknown>>
  const untilMs = timeMs(until)
  if (untilMs === null) return null
  const said = (what: unknown) => (typeof what === 'string' ? what : '')
  const ejection = {
    upstream,
    target,
    untilMs,
    sinceMs: timeMs(since),
    reason: said(reason),
    owner: said(owner),
  }
  return typeof addresses === 'number' ? { ...ejection, addresses } : ejection
}

/** RFC 3339, or epoch milliseconds. */
function timeMs(value: unknown): number | null {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? ms : null
}

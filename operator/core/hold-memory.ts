/**
 * What KV remembers of holds, for the next operator: `mesh/guard/<mesh>` has the holds in force, written by the operator
 * that leads, and `mesh/guard/<mesh>/accepted` which of them people let go. Kong's tags could not say it: that would be
 * writes in a moment of doubt. Time is passed in.
 */

import type { KvRows } from './settings-status.ts'

/** `removal`: too much vanished at once. `critical`: too much turned critical at once. */
export type HoldKind = 'removal' | 'critical'

/** One target that is held. */
export interface Hold {
  readonly kind: HoldKind
  readonly service: string
  /** `host:port` */
  readonly target: string
  readonly sinceMs: number
  readonly untilMs: number
}

/** The hold of one service. */
export interface HoldSpan {
  readonly kind: HoldKind
  readonly service: string
  readonly sinceMs: number
  readonly untilMs: number
}

export interface Acceptance {
  /** null: of all services. */
  readonly service: string | null
  readonly by: string
  readonly atMs: number
}

export const holdsKey = (mesh: string): string => `mesh/guard/${mesh}`
export const acceptedKey = (mesh: string): string => `mesh/guard/${mesh}/accepted`

/** Text for KV, the same for the same holds in any order; null for none. */
export function holdsText(spans: readonly HoldSpan[]): string | null {
  if (spans.length === 0) return null
  const groups = new Map<string, { kind: HoldKind; since: string; until: string; services: string[] }>()
  for (const { kind, service, sinceMs, untilMs } of spans) {
    const key = `${untilMs} ${sinceMs} ${kind}`
    const group = groups.get(key)
    if (group === undefined)
      groups.set(key, { kind, since: iso(sinceMs), until: iso(untilMs), services: [service] })
    else group.services.push(service)
  }
  for (const { services } of groups.values()) services.sort()
  const sorted = [...groups].sort(([left], [right]) => (left < right ? -1 : 1)).map(([, group]) => group)
  return JSON.stringify({ holds: sorted })
}

/**
 * The holds that KV remembers, by service and kind. Of those that people let go, or whose time is over, `untilMs` is in
 * the past: what they held may go.
 */
export function rememberedHolds(rows: KvRows, mesh: string): readonly HoldSpan[] {
  const accepted = acceptancesIn(rows, mesh)
  return listIn(rows.get(holdsKey(mesh))?.text, 'holds').flatMap(({ kind, since, until, services }) => {
    const [sinceMs, untilMs] = [timeMs(since), timeMs(until)]
    if ((kind !== 'removal' && kind !== 'critical') || !Array.isArray(services)) return []
    if (sinceMs === null || untilMs === null) return []
    return services.filter(isText).map((service) => {
      const isAccepted = accepted.some((each) => concerns(each, service) && each.atMs >= sinceMs)
      return { kind, service, sinceMs, untilMs: isAccepted ? Number.NEGATIVE_INFINITY : untilMs }
    })
  })
}

/** Oldest first. */
export function acceptancesIn(rows: KvRows, mesh: string): readonly Acceptance[] {
  return listIn(rows.get(acceptedKey(mesh))?.text, 'accepted').flatMap(({ service, by, at }) => {
    const atMs = timeMs(at)
    if (atMs === null || !(service === null || isText(service))) return []
    return [{ service, by: isText(by) ? by : '', atMs }]
  })
}

const MOST_ACCEPTANCES = 20

export function acceptedText(acceptances: readonly Acceptance[]): string {
  const accepted = acceptances
    .slice(-MOST_ACCEPTANCES)
    .map(({ service, by, atMs }) => ({ service, by, at: iso(atMs) }))
  return JSON.stringify({ accepted })
}

export const concerns = (acceptance: Pick<Acceptance, 'service'>, service: string): boolean =>
  acceptance.service === null || acceptance.service === service

/** Entries of the list at `key`; none for a text that somebody else wrote there. */
function listIn(text: string | undefined, key: string): readonly Readonly<Record<string, unknown>>[] {
  let value: unknown
  try {
    value = JSON.parse(text ?? '{}')
  } catch {
    return [] // not ours: as if nothing were remembered
  }
  const list = isObject(value) ? value[key] : undefined
  return Array.isArray(list) ? list.filter(isObject) : []
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

const isText = (value: unknown): value is string => typeof value === 'string'

function timeMs(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) ? ms : null
}

const iso = (ms: number): string => new Date(ms).toISOString()

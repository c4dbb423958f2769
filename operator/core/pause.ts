/**
 * Pauses in KV: `mesh/pause/<service>`, or `mesh/pause/*` for the whole mesh. A paused service is computed and
 * reported, nothing of it is written to Kong. Time is passed in.
 */

import type { Problem } from './problem.ts'
import type { KvRows } from './settings-status.ts'

export interface Pause {
  /** WHOLE_MESH for all of them. */
  readonly service: string
  readonly reason: string
  readonly by: string
  /** null where a hand-written document does not say. */
  readonly sinceMs: number | null
  /** null: until somebody resumes. */
  readonly untilMs: number | null
}

export type Pauses = ReadonlyMap<string, Pause>

export const WHOLE_MESH = '*'
const PREFIX = 'mesh/pause/'

export const pauseKey = (service: string): string => `${PREFIX}${service}`

/** Pauses in force, by service. Whatever somebody wrote there pauses: not to write is the safe side. */
export function pausesIn(rows: KvRows, nowMs: number): Pauses {
  const pauses = new Map<string, Pause>()
  for (const [key, { text }] of rows) {
    if (!key.startsWith(PREFIX)) continue
    const service = key.slice(PREFIX.length)
    const pause = { service, ...pauseOf(text) }
    if (pause.untilMs === null || pause.untilMs > nowMs) pauses.set(service, pause)
  }
  return pauses
}

/** The pause that holds a service: its own, else the mesh's. */
export const pauseFor = (pauses: Pauses, service: string): Pause | null =>
  pauses.get(service) ?? pauses.get(WHOLE_MESH) ?? null

/** When the first of them ends; null when none does by itself. */
export function nextEndMs(pauses: Pauses): number | null {
  const ends = [...pauses.values()].flatMap(({ untilMs }) => (untilMs === null ? [] : [untilMs]))
  return ends.length === 0 ? null : Math.min(...ends)
}

/** Which services two sets of pauses hold differently; null when it may be any. */
export function changedPauses(before: Pauses, after: Pauses): readonly string[] | null {
  if (before.has(WHOLE_MESH) !== after.has(WHOLE_MESH)) return null
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((service) => before.has(service) !== after.has(service))
    .sort()
}

export function pauseText({ reason, by, sinceMs, untilMs }: Pause): string {
  return JSON.stringify({ reason, by, since: iso(sinceMs), until: iso(untilMs) })
}

export function pauseProblem({ service, reason, by, untilMs }: Pause): Problem {
  const what = service === WHOLE_MESH ? 'the whole mesh' : service
  const command = service === WHOLE_MESH ? 'kongsul resume' : `kongsul resume ${service}`
  const details = [
    untilMs === null ? 'until it is resumed' : `until ${iso(untilMs)}`,
    ...(by === '' ? [] : [`by ${by}`]),
    ...(reason === '' ? [] : [`(${reason})`]),
  ]
  return {
    code: 'PAUSED',
    severity: 'warning',
    service: service === WHOLE_MESH ? '' : service,
    message: `${what} is paused ${details.join(' ')}: nothing is written to Kong; "${command}" ends it`,
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30m`, `1h30m`, `2d` in ms; null for anything else, and for nothing at all. */
export function durationMs(text: string): number | null {
  if (!/^(?:\d{1,6}[smhd])+$/.test(text)) return null
  const parts = [...text.matchAll(/(\d+)([smhd])/g)]
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!, 0)
  return ms > 0 ? ms : null
}

function pauseOf(text: string): Omit<Pause, 'service'> {
  const { reason, by, since, until } = parse(text)
  const said = typeof reason === 'string' ? reason : ''
  return {
    reason: said,
    by: typeof by === 'string' ? by : '',
    sinceMs: timeMs(since),
    untilMs: timeMs(until),
  }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value }
  } catch {
    // Not JSON: what somebody wrote by hand is taken for the reason.
  }
  return { reason: text.slice(0, 200) }
}

/** RFC 3339, or epoch milliseconds; null for what is no time, which therefore never comes. */
function timeMs(value: unknown): number | null {
  const ms = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) && Math.abs(ms) < 8.64e15 ? ms : null
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

import { type Entity, keyOf } from '../core/entity.ts'
import { OPERATOR_SERVICE } from '../core/exposure.ts'
import { countTargets } from './count-targets.ts'
import type { DesiredIndex } from './desired-index.ts'

/** A target that vanished from Consul together with too many others; its removal waits. */
export interface Held {
  readonly target: Entity
  readonly service: string
  readonly sinceMs: number
  readonly untilMs: number
}

/** For how long the removals of a service were held by an operator before this one. */
export interface RememberedHold {
  readonly sinceMs: number
  /** In the past: that hold is over, what it held may go. */
  readonly untilMs: number
}

export type HeldTargets = ReadonlyMap<string, Held>

const SHARE = 0.5
const AT_LEAST = 10
/** Losing all of fewer than this is what a deployment of one or two does. */
const ALL_OF = 3

/**
 * Holds removals when much vanishes between two desired states: more than max(50 %, 10) of the known targets, or
 * all of at least 3; of the mesh as a whole, or of one service when nothing routable would be left of it.
 * Replaced targets count for nothing. A held target is let go when its time is over, when it is back, and the
 * moment its address appears under another service. The operators themselves are no part of it: they register again
 * with a Consul that has lost everything else.
 * @param now with `isReset` whatever vanished is held: Consul lost it, nobody deregistered it
 * @param remembered by service; what was held before goes on until the same time, and counts for nothing either
 */
export function reviewShrink(
  before: DesiredIndex,
  after: DesiredIndex,
  held: HeldTargets,
  now: { readonly ms: number; readonly holdMs: number; readonly isReset?: boolean },
  remembered: ReadonlyMap<string, RememberedHold> = new Map(),
): HeldTargets {
  const lost = lostTargets(before, after)
  if (lost.size === 0 && held.size === 0) return held
  const known = countTargets(before, OPERATOR_SERVICE)
  const vanished = [...lost].reduce(
    (sum, [service, { unreplaced }]) => sum + (remembered.has(service) ? 0 : unreplaced),
    0,
  )
  const isMeshShrink = isShrink(known, vanished)
  const next = new Map<string, Held>()
  for (const [key, hold] of held) {
    const untilMs = Math.min(hold.untilMs, now.ms + now.holdMs)
    if (untilMs > now.ms && !after.state.has(key)) next.set(key, { ...hold, untilMs })
  }
  for (const [service, { targets, unreplaced, known: knownOfService }] of lost) {
    const hold = remembered.get(service)
    if (hold !== undefined) {
      const span = { sinceMs: hold.sinceMs, untilMs: Math.min(hold.untilMs, now.ms + now.holdMs) }
      if (span.untilMs > now.ms)
        for (const target of targets) next.set(keyOf(target), { target, service, ...span })
      continue
    }
    const isEmptied = !hasRoutable(after.groups.get(service) ?? [])
    const isServiceShrink = isEmptied && isShrink(knownOfService, unreplaced)
    if (unreplaced === 0 || !(now.isReset === true || isMeshShrink || isServiceShrink)) continue
    const span = { sinceMs: now.ms, untilMs: now.ms + now.holdMs }
    for (const target of targets) next.set(keyOf(target), { target, service, ...span })
  }
  return releaseMoved(next, after)
}

interface Loss {
  readonly targets: readonly Entity[]
  /** How many of them no new target stands in for. */
  readonly unreplaced: number
  /** How many targets the service had. */
  readonly known: number
}

function lostTargets(before: DesiredIndex, after: DesiredIndex): ReadonlyMap<string, Loss> {
  const lost = new Map<string, Loss>()
  for (const [service, group] of before.groups) {
    const now = after.groups.get(service) ?? []
    if (now === group || service === OPERATOR_SERVICE) continue
    const old = group.filter((entity) => entity.kind === 'target')
    const present = new Set(now.map(keyOf))
    const targets = old.filter((entity) => !present.has(keyOf(entity)))
    if (targets.length === 0) continue
    const keys = new Set(old.map(keyOf))
    const added = now.filter((entity) => entity.kind === 'target' && !keys.has(keyOf(entity)))
    const unreplaced = Math.max(0, targets.length - added.length)
    lost.set(service, { targets, unreplaced, known: old.length })
  }
  return lost
}

function isShrink(known: number, vanished: number): boolean {
  if (vanished === 0) return false
  return vanished > Math.max(SHARE * known, AT_LEAST) || (vanished === known && known >= ALL_OF)
}

function hasRoutable(group: readonly Entity[]): boolean {
  return group.some((entity) => entity.kind === 'target' && entity.fields.weight !== 0)
}

function releaseMoved(held: ReadonlyMap<string, Held>, { state }: DesiredIndex): HeldTargets {
  if (held.size === 0) return held
  const addresses = new Set<string>()
  for (const entity of state.values()) if (entity.kind === 'target') addresses.add(entity.name)
  return new Map([...held].filter(([, hold]) => !addresses.has(hold.target.name)))
}

/** A target that turned critical and what it weighed until then. */
export interface Turn {
  readonly service: string
  /** `host:port` */
  readonly target: string
  readonly weight: number
  readonly atMs: number
}

/** A target that keeps its weight, because it turned critical together with too many others. */
export interface HeldWeight {
  readonly service: string
  readonly target: string
  readonly weight: number
  readonly sinceMs: number
  readonly untilMs: number
}

export interface CriticalWatch {
  /** Lately turned and not held, by `turnKey`. */
  readonly turns: ReadonlyMap<string, Turn>
  readonly held: ReadonlyMap<string, HeldWeight>
}

export const NOTHING_CRITICAL: CriticalWatch = { turns: new Map(), held: new Map() }

export interface CriticalNews {
  readonly turned: readonly Turn[]
  readonly isCritical: (service: string, target: string) => boolean
  /** How many targets there are. */
  readonly known: () => number
  readonly ms: number
  readonly holdMs: number
}

const WITHIN_MS = 10_000
const SHARE = 0.5
/** As for what vanishes: a handful of instances that fail together is a crash, not a doubt. */
const AT_LEAST = 10

export const turnKey = ({ service, target }: { readonly service: string; readonly target: string }): string =>
  `${target} ${service}`

/**
 * Holds weights when more than max(50 %, 10) of the known targets turn critical within 10 s: those that turned first,
 * too, get their weights back. While more than that are held or turning, others join the same hold. One that recovers
 * leaves it.
 */
export function reviewCritical(watch: CriticalWatch, news: CriticalNews): CriticalWatch {
  const { turned, isCritical, known, ms, holdMs } = news
  if (watch.turns.size === 0 && watch.held.size === 0 && turned.length === 0) return watch
  const turns = new Map<string, Turn>()
  for (const [key, turn] of watch.turns) {
    if (ms - turn.atMs <= WITHIN_MS && isCritical(turn.service, turn.target)) turns.set(key, turn)
  }
  for (const turn of turned) turns.set(turnKey(turn), turn)
  const held = new Map<string, HeldWeight>()
  for (const [key, hold] of watch.held) {
    const untilMs = Math.min(hold.untilMs, ms + holdMs)
    if (untilMs > ms && isCritical(hold.service, hold.target)) held.set(key, { ...hold, untilMs })
  }
  const isTooMany = turns.size > 0 && turns.size + held.size > Math.max(SHARE * known(), AT_LEAST)
  if (!isTooMany || holdMs <= 0) return { turns, held }
  const [first] = held.values()
  const span = { sinceMs: first?.sinceMs ?? ms, untilMs: first?.untilMs ?? ms + holdMs }
  for (const [key, { service, target, weight }] of turns) {
    if (weight > 0) held.set(key, { service, target, weight, ...span })
  }
  return { turns: new Map(), held }
}

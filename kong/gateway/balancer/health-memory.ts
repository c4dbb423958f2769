export type Counter = 'success' | 'http' | 'tcp' | 'timeout'

interface TargetState {
  health: 'healthy' | 'mostly_healthy' | 'mostly_unhealthy' | 'unhealthy'
  readonly counts: Record<Counter, number>
  /** When the state is forgotten; null while the target is part of a balancer. */
  purgeAtMs: number | null
}

/** How long health outlives its target or upstream, in ms. Source: CLEAR_HEALTH_STATUS_DELAY of Kong. */
export const KEPT_MS = 300_000

/**
 * Health by address of one upstream name. It outlives balancers, so that an edit, or deleting and creating again
 * within five minutes, changes no mark and no counter. Counting follows lua-resty-healthcheck.
 */
export class HealthMemory {
  readonly #states = new Map<string, TargetState>()

  /** Starts the clock on everything; what is adopted again keeps its state. */
  retire(nowMs: number): void {
    this.#purge(nowMs)
    for (const state of this.#states.values()) state.purgeAtMs ??= nowMs + KEPT_MS
  }

  /** Makes an address part of the balancer and says whether it is usable. */
  adopt(key: string, nowMs: number): boolean {
    this.#purge(nowMs)
    const known = this.#states.get(key)
    if (!known) {
      this.#states.set(key, { health: 'healthy', counts: noCounts(), purgeAtMs: null })
      return true
    }
    known.purgeAtMs = null
    known.health = isUsable(known) ? 'healthy' : 'unhealthy'
    return known.health === 'healthy'
  }

  get isEmpty(): boolean {
    return this.#states.size === 0
  }

  isHealthy(key: string): boolean | undefined {
    const state = this.#states.get(key)
    return state && isUsable(state)
  }

  /** Counts one report; `limit` 0 switches that counter off. Answers the new usability when it changed, else null. */
  report(key: string, counter: Counter, limit: number): boolean | null {
    const state = this.#states.get(key)
    if (limit === 0 || !state) return null
    const towards = counter === 'success' ? 'healthy' : 'unhealthy'
    if (state.health === towards) return null
    const counts = state.counts
    counts[counter]++
    if (counter === 'success') Object.assign(counts, { http: 0, tcp: 0, timeout: 0 })
    else counts.success = 0
    const before = isUsable(state)
    if (counts[counter] >= limit) state.health = towards
    else if (state.health === 'healthy' && counter !== 'success') state.health = 'mostly_healthy'
    else if (state.health === 'unhealthy' && counter === 'success') state.health = 'mostly_unhealthy'
    const after = isUsable(state)
    return after === before ? null : after
  }

  /** A mark by hand: clears the counters. False when the address is not known. */
  mark(key: string, healthy: boolean): boolean {
    const state = this.#states.get(key)
    if (!state) return false
    state.health = healthy ? 'healthy' : 'unhealthy'
    Object.assign(state.counts, noCounts())
    return true
  }

  /** Of an address that its name has no more. */
  forget(key: string): void {
    this.#states.delete(key)
  }

  #purge(nowMs: number): void {
    for (const [key, state] of this.#states) {
      if (state.purgeAtMs !== null && state.purgeAtMs <= nowMs) this.#states.delete(key)
    }
  }
}

function isUsable(state: TargetState): boolean {
  return state.health === 'healthy' || state.health === 'mostly_healthy'
}

function noCounts(): Record<Counter, number> {
  return { success: 0, http: 0, tcp: 0, timeout: 0 }
}

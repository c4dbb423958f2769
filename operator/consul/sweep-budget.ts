/** How much of the time searches of the catalog may take: some at once after a rest, a third of it in the long run. */
export interface SweepBudget {
  /** May be below zero: a search is paid for when it is over. */
  readonly leftMs: number
  readonly atMs: number
}

const CAPACITY_MS = 600
const SHARE = 1 / 3
/** A search that took longer was slowed down by more than itself. */
const MOST_CHARGED_MS = 300
/** Left for what is known to be missing when something else may wait. */
export const RESERVE_MS = 400

export const fullBudget = (nowMs: number): SweepBudget => ({ leftMs: CAPACITY_MS, atMs: nowMs })

/** The budget after a search that took `tookMs` and ended now. */
export function spend(budget: SweepBudget, tookMs: number, nowMs: number): SweepBudget {
  return { leftMs: leftAt(budget, nowMs) - Math.min(tookMs, MOST_CHARGED_MS), atMs: nowMs }
}

/** How long until `neededMs` are left; 0 when they are. */
export function waitMsFor(budget: SweepBudget, neededMs: number, nowMs: number): number {
  return Math.max(0, (Math.min(neededMs, CAPACITY_MS) - leftAt(budget, nowMs)) / SHARE)
}

const leftAt = ({ leftMs, atMs }: SweepBudget, nowMs: number): number =>
  Math.min(CAPACITY_MS, leftMs + (nowMs - atMs) * SHARE)

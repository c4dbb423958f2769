/**
 * Which targets to put back after Kong's own passive check marked them: such a mark never goes away by itself
 * (kong-3.9: no recovery without active probes), and Consul is the judge of health.
 */

export interface MarkPolicy {
  /** How long a mark stands the first time; doubles while the target fails again. */
  readonly recoverMs: number
  /** Below this share of what Consul calls healthy, marks are taken back at once. */
  readonly panicPercent: number
}

/** One target of an upstream as Consul and Kong see it now. */
export interface MarkView {
  readonly target: string
  /** Consul wants traffic on it. */
  readonly wanted: boolean
  /** A person keeps it out: left alone. */
  readonly claimed: boolean
  /** Until when the ejection of a plugin process keeps it out; null: there is none. */
  readonly ejectedUntilMs: number | null
  /** Kong has it marked. */
  readonly unhealthy: boolean
  /** Consul turned it from critical or absent to passing just now: the mark is of before. */
  readonly returned: boolean
}

export interface MarkRecord {
  readonly target: string
  /** When the mark that stands, or stood last, was first seen. */
  readonly seenAtMs: number
  /** When it was put back; null while the mark stands. */
  readonly putBackAtMs: number | null
  /** When it was put back before this mark; null: never. */
  readonly triedAtMs: number | null
  /** How often it was put back and failed again. */
  readonly failures: number
}

/** What is remembered of one upstream between two looks at it. */
export type MarkRecords = ReadonlyMap<string, MarkRecord>

export interface MarkDecision {
  readonly putBack: readonly string[]
  readonly records: MarkRecords
  /** When to look again; null: nothing is going on. */
  readonly nextLookMs: number | null
}

export const LONGEST_MARK_MS = 30_000
/**
 * Nobody is left to serve: the ones that failed are tried this often, whatever their own time is. One that has served for
 * longer comes back at once: a request that fails everywhere marks all of them, each time that somebody sends it.
 */
const PANIC_RETRY_MS = 1000
/** A target that is still dead fails with the first request after it was put back. */
const LOOK_AFTER_PUT_BACK_MS = 500

export function decideMarks(
  records: MarkRecords,
  views: readonly MarkView[],
  nowMs: number,
  policy: MarkPolicy,
): MarkDecision {
  const isPanic = leavesTooFew(views, policy.panicPercent)
  const next = new Map<string, MarkRecord>()
  const putBack: string[] = []
  let nextLookMs: number | null = null
  const lookAt = (ms: number) => {
    nextLookMs = nextLookMs === null ? ms : Math.min(nextLookMs, ms)
  }
  for (const view of views) {
    if (!view.wanted || view.claimed) continue
    if (view.ejectedUntilMs !== null && nowMs < view.ejectedUntilMs) {
      // Whose mark it is ends with the claim: what Kong found before does not count on.
      if (view.unhealthy) lookAt(view.ejectedUntilMs)
      continue
    }
    const record = records.get(view.target)
    if (!view.unhealthy) {
      const recoveredAt = record?.putBackAtMs == null ? null : record.putBackAtMs + waitMs(record, policy)
      if (record === undefined || recoveredAt === null || nowMs >= recoveredAt) continue
      next.set(view.target, record)
      lookAt(recoveredAt)
      continue
    }
    const marked = markedAgain(record, view, nowMs)
    const dueMs = dueAt(marked, view, isPanic, policy)
    if (nowMs >= dueMs) {
      putBack.push(view.target)
      next.set(view.target, { ...marked, putBackAtMs: nowMs })
      lookAt(nowMs + LOOK_AFTER_PUT_BACK_MS)
    } else {
      next.set(view.target, marked)
      lookAt(dueMs)
    }
  }
  return { putBack: putBack.sort(), records: next, nextLookMs }
}

function markedAgain(record: MarkRecord | undefined, { target }: MarkView, nowMs: number): MarkRecord {
  if (record === undefined)
    return { target, seenAtMs: nowMs, putBackAtMs: null, triedAtMs: null, failures: 0 }
  if (record.putBackAtMs === null) return record
  const { putBackAtMs: triedAtMs, failures } = record
  return { target, seenAtMs: nowMs, putBackAtMs: null, triedAtMs, failures: failures + 1 }
}

function dueAt(record: MarkRecord, view: MarkView, isPanic: boolean, policy: MarkPolicy): number {
  const isFirst = record.failures === 0
  const isLeftBehind = view.ejectedUntilMs !== null
  if (isFirst && (view.returned || isPanic || isLeftBehind)) return record.seenAtMs
  const dueMs = record.seenAtMs + waitMs(record, policy)
  if (!isPanic || record.triedAtMs === null) return dueMs
  return Math.min(dueMs, Math.max(record.seenAtMs, record.triedAtMs + PANIC_RETRY_MS))
}

const waitMs = (record: MarkRecord, policy: MarkPolicy): number =>
  Math.min(LONGEST_MARK_MS, policy.recoverMs * 2 ** Math.min(record.failures, 20))

function leavesTooFew(views: readonly MarkView[], panicPercent: number): boolean {
  const wanted = views.filter((view) => view.wanted)
  const left = wanted.filter((view) => !view.unhealthy)
  return left.length * 100 < wanted.length * panicPercent
}

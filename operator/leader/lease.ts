// When an operator may write, decided without a clock: every event and question carries `now`, in ms of one
// monotonic clock. The rules, with Consul's guarantees behind each, are in the README of this folder.
import { type Holder, unknownHolder } from './lock-value.ts'

export interface LeaseTiming {
  /** TTL of the Consul session. Consul keeps a session at least this long after a renewal arrived. */
  readonly ttlMs: number
  /** A leader stops writing this long before its session could expire. */
  readonly marginMs: number
  readonly renewEveryMs: number
  /** TTL of the check behind the session, where the operator reports it itself. */
  readonly checkTtlMs: number
  readonly checkMarginMs: number
  /** Wait for a holder before us that is known by nothing but having held the lock. */
  readonly unknownGraceMs: number
}

/** A Consul session. Times are those at which requests were SENT, so that a slow answer shortens the lease. */
export interface Session {
  readonly id: string
  readonly renewedAt: number
  /** Last report of the session's check; null where Consul probes by itself. */
  readonly passedAt: number | null
  /** Answers about the lock to questions sent up to this moment no longer count; null: nothing is in doubt. */
  readonly doubtedAt: number | null
}

/** What a read saw of a lock that nobody held. */
export interface FreeLock {
  /** How often the key has been locked so far (Consul's LockIndex). */
  readonly lockIndex: number
  /** Earlier holders that may still write. */
  readonly predecessors: readonly Holder[]
}

export type LeaseState =
  | { readonly at: 'follower'; readonly session: Session | null; readonly free: FreeLock | null }
  /** Saw the lock free; `sent` once it asked for it, until a read tells who got it. */
  | { readonly at: 'candidate'; readonly session: Session; readonly free: FreeLock; readonly sent: boolean }
  | {
      readonly at: 'leader'
      readonly session: Session
      /** Earlier holders not yet known to have stopped: no write before `writesFrom`. */
      readonly waitsFor: readonly Holder[]
      readonly writesFrom: number
    }

export type LeaseEvent =
  | {
      readonly type: 'sessionOpened'
      readonly id: string
      readonly renewedAt: number
      readonly passedAt: number | null
    }
  | { readonly type: 'renewed'; readonly id: string; readonly sentAt: number }
  | { readonly type: 'passed'; readonly sentAt: number; readonly now: number }
  | { readonly type: 'sessionLost'; readonly id: string }
  | { readonly type: 'acquireSent' }
  | {
      readonly type: 'lockRead'
      readonly sentAt: number
      readonly now: number
      /** Session that holds the lock. */
      readonly heldBy: string | null
      readonly lockIndex: number
      readonly predecessors: readonly Holder[]
    }
  /** A pause, a broken connection, or somebody told that we do not lead: only a new answer makes us lead. */
  | { readonly type: 'doubted'; readonly now: number }
  | { readonly type: 'predecessorGone'; readonly holder: Holder; readonly now: number }

export const startingLease: LeaseState = { at: 'follower', session: null, free: null }

/** What follows from one event; the same state where it changes nothing. */
export function afterEvent(state: LeaseState, event: LeaseEvent, timing: LeaseTiming): LeaseState {
  const { session } = state
  switch (event.type) {
    case 'sessionOpened':
      if (state.at !== 'follower') return state
      return opened(state.free, event)
    case 'renewed':
      if (session?.id !== event.id) return state
      return withSession(state, { ...session, renewedAt: Math.max(session.renewedAt, event.sentAt) })
    case 'passed':
      return session === null ? state : withSession(state, afterPass(session, event, timing))
    case 'sessionLost':
      return session?.id === event.id ? startingLease : state
    case 'acquireSent':
      return state.at === 'candidate' ? { ...state, sent: true } : state
    case 'lockRead':
      return afterRead(state, event, timing)
    case 'doubted':
      return session === null ? state : withSession(state, { ...session, doubtedAt: event.now })
    case 'predecessorGone': {
      if (state.at !== 'leader' || !state.waitsFor.includes(event.holder)) return state
      const waitsFor = state.waitsFor.filter((holder) => holder !== event.holder)
      return { ...state, waitsFor, writesFrom: waitsFor.length === 0 ? event.now : state.writesFrom }
    }
  }
}

/** True when a write may be sent now. Ask right before each. */
export function mayWrite(state: LeaseState, now: number, timing: LeaseTiming): boolean {
  if (state.at !== 'leader' || state.session.doubtedAt !== null) return false
  return now >= state.writesFrom && now < leaseEnd(state.session, timing)
}

/** When this session could first be taken away, less the margins. */
export function leaseEnd({ renewedAt, passedAt }: Session, timing: LeaseTiming): number {
  const bySession = renewedAt + timing.ttlMs - timing.marginMs
  if (passedAt === null) return bySession
  return Math.min(bySession, passedAt + timing.checkTtlMs - timing.checkMarginMs)
}

export type SessionStep =
  | { readonly step: 'open' }
  | { readonly step: 'renew'; readonly id: string }
  | { readonly step: 'wait'; readonly until: number }

/** What to do for the session now. */
export function sessionStep({ session }: LeaseState, now: number, timing: LeaseTiming): SessionStep {
  if (session === null) return { step: 'open' }
  const due = session.renewedAt + timing.renewEveryMs
  return now >= due ? { step: 'renew', id: session.id } : { step: 'wait', until: due }
}

export type LockStep =
  | { readonly step: 'acquire'; readonly session: string; readonly predecessors: readonly Holder[] }
  /** `blocking`: wait for a change; else the answer is needed at once. */
  | { readonly step: 'read'; readonly blocking: boolean }

/** What to do for the lock now. */
export function lockStep(state: LeaseState): LockStep {
  if (state.at === 'candidate' && !state.sent) {
    return { step: 'acquire', session: state.session.id, predecessors: state.free.predecessors }
  }
  const doubtful = state.at === 'candidate' || (state.at === 'leader' && state.session.doubtedAt !== null)
  return { step: 'read', blocking: !doubtful }
}

/** No LockIndex follows this one: whoever held the lock before is unknown. */
const NEVER_SEEN_FREE: FreeLock = { lockIndex: -2, predecessors: [] }

function afterRead(
  state: LeaseState,
  read: Extract<LeaseEvent, { type: 'lockRead' }>,
  timing: LeaseTiming,
): LeaseState {
  const { session } = state
  if (read.heldBy === null) {
    const free = { lockIndex: read.lockIndex, predecessors: read.predecessors }
    return session === null
      ? { at: 'follower', session, free }
      : { at: 'candidate', session, free, sent: false }
  }
  if (session === null || read.heldBy !== session.id) return { at: 'follower', session, free: null }
  const { doubtedAt } = session
  const counts = doubtedAt === null || read.sentAt > doubtedAt
  const sure = counts && doubtedAt !== null ? { ...session, doubtedAt: null } : session
  if (state.at === 'leader') return withSession(state, sure)
  const free = state.free ?? NEVER_SEEN_FREE
  return counts ? crowned(sure, free, read, timing) : { at: 'candidate', session, free, sent: true }
}

function opened(
  free: FreeLock | null,
  { id, renewedAt, passedAt }: Pick<Session, 'id' | 'renewedAt' | 'passedAt'>,
): LeaseState {
  const session = { id, renewedAt, passedAt, doubtedAt: null }
  return free === null ? { at: 'follower', session, free } : { at: 'candidate', session, free, sent: false }
}

/** A report that may have come after the check ran out says nothing about the session, which ended with it. */
function afterPass(
  session: Session,
  { sentAt, now }: { readonly sentAt: number; readonly now: number },
  { checkTtlMs }: LeaseTiming,
): Session {
  if (session.passedAt === null || sentAt <= session.passedAt) return session
  const unbroken = now < session.passedAt + checkTtlMs
  return { ...session, passedAt: sentAt, doubtedAt: unbroken ? session.doubtedAt : now }
}

function crowned(
  session: Session,
  free: FreeLock,
  { now, lockIndex }: { readonly now: number; readonly lockIndex: number },
  timing: LeaseTiming,
): LeaseState {
  // Locked more than once since we saw it free: somebody held it in between of whom nothing is known.
  const unseen = lockIndex !== free.lockIndex + 1
  const unknown = unknownHolder(timing.unknownGraceMs)
  const waitsFor = unseen ? [...free.predecessors, unknown] : free.predecessors
  const writesFrom = now + Math.max(0, ...waitsFor.map((holder) => holder.graceMs))
  return { at: 'leader', session, waitsFor, writesFrom }
}

function withSession(state: LeaseState, session: Session): LeaseState {
  if (session === state.session) return state
  return state.at === 'follower' ? { ...state, session } : { ...state, session }
}

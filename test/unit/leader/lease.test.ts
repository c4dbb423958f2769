import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterEvent,
  type LeaseEvent,
  type LeaseState,
  lockStep,
  mayWrite,
  sessionStep,
  startingLease,
} from '../../../operator/leader/lease.ts'
import type { Holder } from '../../../operator/leader/lock-value.ts'
import { LEASE_TIMING as timing } from '../../../operator/leader/timing.ts'

const leaseMs = timing.ttlMs - timing.marginMs
const other: Holder = { id: 'b', address: 'b.test:80', host: 'b', graceMs: timing.unknownGraceMs }

const opened = (at = 0, passedAt: number | null = null): LeaseEvent => ({
  type: 'sessionOpened',
  id: 's1',
  renewedAt: at,
  passedAt,
})
const read = (
  heldBy: string | null,
  lockIndex: number,
  seen: { readonly sentAt?: number; readonly now?: number; readonly predecessors?: readonly Holder[] } = {},
): LeaseEvent => {
  const { sentAt = 0, predecessors = [] } = seen
  return { type: 'lockRead', sentAt, now: seen.now ?? sentAt, heldBy, lockIndex, predecessors }
}
const after = (...events: readonly LeaseEvent[]): LeaseState =>
  events.reduce((state, event) => afterEvent(state, event, timing), startingLease)
const crowned = [opened(), read(null, 0), { type: 'acquireSent' } as const, read('s1', 1)] as const

test('an operator without a session opens one', () => {
  deepEqual(sessionStep(startingLease, 0, timing), { step: 'open' })
})

test('a session is renewed long before its lease ends', () => {
  const state = after(opened(100))
  deepEqual(sessionStep(state, 101, timing), { step: 'wait', until: 100 + timing.renewEveryMs })
  deepEqual(sessionStep(state, 100 + timing.renewEveryMs, timing), { step: 'renew', id: 's1' })
  equal(timing.renewEveryMs * 2 <= leaseMs, true)
})

test('a follower watches the lock', () => {
  deepEqual(lockStep(after(opened(), read('s9', 4))), { step: 'read', blocking: true })
})

test('a free lock is acquired at once', () => {
  equal(lockStep(after(opened(), read(null, 4))).step, 'acquire')
})

test('a lock seen free before there was a session is acquired as soon as there is one', () => {
  equal(lockStep(after(read(null, 4), opened())).step, 'acquire')
})

test('an answer to acquire is not enough: the lock is read before anything is written', () => {
  const state = after(opened(), read(null, 0), { type: 'acquireSent' })
  deepEqual(lockStep(state), { step: 'read', blocking: false })
  equal(mayWrite(state, 1, timing), false)
})

test('a lock that nobody else may write under lets its holder write at once', () => {
  equal(mayWrite(after(...crowned), 1, timing), true)
})

test('the lease counts from when the renewal was sent', () => {
  const state = after(...crowned, { type: 'renewed', id: 's1', sentAt: 1000 })
  equal(mayWrite(state, 1000 + leaseMs - 1, timing), true)
  equal(mayWrite(state, 1000 + leaseMs, timing), false)
})

test('answers to renewals that come in the wrong order do not shorten the lease', () => {
  const state = after(
    ...crowned,
    { type: 'renewed', id: 's1', sentAt: 1000 },
    { type: 'renewed', id: 's1', sentAt: 500 },
  )
  equal(mayWrite(state, 1000 + leaseMs - 1, timing), true)
})

test('a renewal of another session changes nothing', () => {
  const state = after(...crowned)
  equal(afterEvent(state, { type: 'renewed', id: 's0', sentAt: 1000 }, timing), state)
})

test('a lost session ends leadership at once and asks for a new one', () => {
  const state = after(...crowned, { type: 'sessionLost', id: 's1' })
  equal(mayWrite(state, 1, timing), false)
  deepEqual(sessionStep(state, 1, timing), { step: 'open' })
})

test('a lock seen in other hands ends leadership at once', () => {
  equal(mayWrite(after(...crowned, read('s2', 2)), 1, timing), false)
})

test('a doubt stops writing until a question asked later says that the lock is ours', () => {
  const doubted = after(...crowned, { type: 'doubted', now: 50 })
  equal(mayWrite(doubted, 51, timing), false)
  deepEqual(lockStep(doubted), { step: 'read', blocking: false })
  const askedBefore = afterEvent(doubted, read('s1', 1, { sentAt: 49, now: 60 }), timing)
  equal(mayWrite(askedBefore, 61, timing), false)
  const askedAfter = afterEvent(doubted, read('s1', 1, { sentAt: 51, now: 60 }), timing)
  equal(mayWrite(askedAfter, 61, timing), true)
})

test('a doubt counts for a candidate too', () => {
  const candidate = after(opened(), read(null, 0), { type: 'acquireSent' }, { type: 'doubted', now: 50 })
  const state = afterEvent(candidate, read('s1', 1, { sentAt: 49, now: 60 }), timing)
  equal(mayWrite(state, 61, timing), false)
  deepEqual(lockStep(state), { step: 'read', blocking: false })
  equal(mayWrite(afterEvent(state, read('s1', 1, { sentAt: 61 }), timing), 62, timing), true)
})

const taken = after(
  opened(),
  read(null, 4, { predecessors: [other] }),
  { type: 'acquireSent' },
  read('s1', 5, { sentAt: 100, predecessors: [] }),
  { type: 'renewed', id: 's1', sentAt: 2000 },
)

test('a holder before us that may still write is waited for as long as it may', () => {
  equal(mayWrite(taken, 100 + other.graceMs - 1, timing), false)
  equal(mayWrite(taken, 100 + other.graceMs, timing), true)
})

test('a holder before us that is known to be gone is not waited for', () => {
  equal(
    mayWrite(afterEvent(taken, { type: 'predecessorGone', holder: other, now: 200 }, timing), 200, timing),
    true,
  )
})

test('all holders before us must be gone', () => {
  const third = { ...other, id: 'c' }
  const state = after(
    opened(),
    read(null, 4, { predecessors: [other, third] }),
    { type: 'acquireSent' },
    read('s1', 5, { sentAt: 100 }),
    { type: 'predecessorGone', holder: other, now: 200 },
  )
  equal(mayWrite(state, 201, timing), false)
  equal(
    mayWrite(afterEvent(state, { type: 'predecessorGone', holder: third, now: 300 }, timing), 300, timing),
    true,
  )
})

test('a lock that somebody held unseen, between our look and our turn, is not written under at once', () => {
  const state = after(opened(), read(null, 4), { type: 'acquireSent' }, read('s1', 6, { sentAt: 100 }))
  equal(mayWrite(state, 101, timing), false)
})

test('a grace is never shorter than a lease', () => {
  equal(timing.unknownGraceMs > leaseMs, true)
})

const reporting = [opened(0, 0), ...crowned.slice(1)] as const

test('with a TTL check the lease ends before the check can run out', () => {
  const end = timing.checkTtlMs - timing.checkMarginMs
  equal(mayWrite(after(...reporting), end - 1, timing), true)
  equal(mayWrite(after(...reporting), end, timing), false)
})

test('a report answered before the check could run out goes on with the lease', () => {
  const state = after(...reporting, { type: 'passed', sentAt: 500, now: 510 })
  equal(mayWrite(state, 1900, timing), true)
})

test('a report answered after the check could have run out is no proof of the session', () => {
  const state = after(...reporting, { type: 'passed', sentAt: 500, now: timing.checkTtlMs })
  equal(mayWrite(state, timing.checkTtlMs, timing), false)
})

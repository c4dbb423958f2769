import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { LeaseState, Session } from '../../../operator/leader/lease.ts'
import { LEASE_TIMING as timing } from '../../../operator/leader/timing.ts'
import { whyNotLeading } from '../../../operator/leader/why-not-leading.ts'

const session: Session = { id: 's1', renewedAt: 0, passedAt: null, doubtedAt: null }
const leader = (changed: Partial<Session> = {}, writesFrom = 0): LeaseState => ({
  at: 'leader',
  session: { ...session, ...changed },
  waitsFor: [],
  writesFrom,
})
const why = (state: LeaseState, standing: Partial<Parameters<typeof whyNotLeading>[1]> = {}) =>
  whyNotLeading(
    state,
    { now: 10, other: null, doubt: 'this process did not run for 1.4 s', ...standing },
    timing,
  )

test('why an operator leads no more', () => {
  equal(why(leader(), { other: 'b' }), 'b holds the lock')
  equal(
    why({ at: 'follower', session: null, free: null }),
    'Consul has ended its session: the check of this operator failed, or somebody ended it',
  )
  equal(why({ at: 'follower', session, free: null }), 'the lock in Consul is not its own any more')
  equal(why(leader({ doubtedAt: 5 })), 'this process did not run for 1.4 s')
  equal(why(leader(), { now: timing.ttlMs }), 'Consul has not renewed its session in time')
  equal(why(leader({}, 100)), 'an operator before it may still write')
})

// When a closed circuit opens. Names begin with the number of the acceptance case they are.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changes, isLastAdmitted, Script, stateAfter } from './script.ts'

/** Only failures in a row open the service circuit. */
const consecutive = (consecutiveFailures: number, more = {}) =>
  new Script({ failureRate: 0, backoff: { jitter: 0 }, service: { consecutiveFailures }, ...more })
/** Only rates open it. */
const rated = (service: object) => new Script({ backoff: { jitter: 0 }, service })

describe('failures in a row', () => {
  test('A1: a success in between starts the row anew', () => {
    assert.equal(stateAfter(consecutive(5).fail(0, 4).ok(1).fail(2, 4)), 'closed')
  })

  test('A2: the fifth opens and the next access is refused', () => {
    const script = consecutive(5).fail(0, 4)
    script.access(1)
    script.fail(2)
    script.access(3)
    const result = script.run()
    assert.deepEqual(changes(result), ['closed>open'])
    assert.equal(result.transitions[0]?.at, 2)
    assert.match(result.transitions[0]!.reason, /^consecutive_failures: 5 failures in a row; open for 60 s$/)
    assert.deepEqual(result.decisions.at(-1), {
      id: 'call-7',
      at: 3,
      admitted: false,
      state: 'open',
      retry_after: 60,
    })
  })

  test('A3: need no minimum of calls', () => {
    assert.equal(stateAfter(consecutive(5, { minimumCalls: 20 }).fail(0, 5)), 'open')
  })

  test('A21: are counted in a row, not in all', () => {
    assert.equal(stateAfter(consecutive(3).ok(0).fail(1).ok(2).fail(3, 2)), 'closed')
  })

  test('never open a service by default: five calls of a broken URL are no outage', () => {
    assert.equal(stateAfter(new Script().fail(0, 19)), 'closed')
  })
})

describe('failure rate', () => {
  const lastTen = { window: { calls: 10 }, minimumCalls: 10, failureRate: 50 }

  test('A5: below the threshold stays closed', () => {
    assert.equal(stateAfter(rated(lastTen).ok(0, 6).fail(1, 4)), 'closed')
  })

  test('A5: at the threshold opens, also when the call that completes the minimum is a good one', () => {
    assert.equal(stateAfter(rated(lastTen).fail(0, 5).ok(1, 5)), 'open')
  })

  test('A6: a minimum above the window is the window', () => {
    const nine = rated({ ...lastTen, minimumCalls: 20 }).fail(0, 9)
    assert.equal(stateAfter(nine), 'closed')
    assert.equal(stateAfter(nine.fail(1)), 'open')
  })

  test('A7: below the minimum stays closed', () => {
    assert.equal(stateAfter(rated(lastTen).fail(0, 9)), 'closed')
  })

  test('A7: 0 turns the rule off', () => {
    assert.equal(stateAfter(rated({ ...lastTen, failureRate: 0 }).fail(0, 100)), 'closed')
  })

  for (const t0 of [0, 1_234, 1_700_000_000_777]) {
    test(`A9: a bucket leaves the window as a whole, exactly one window later (t0 = ${t0})`, () => {
      const script = new Script({ mode: 'metrics_only' })
      for (let i = 0; i < 20; i += 1) script.fail(t0 + i * 45)
      assert.equal(script.look(t0 + 9_990).run().final.window.total, 20)
      assert.equal(script.look(t0 + 10_000).run().final.window.total, 0)
    })
  }

  test('A9: at any number of buckets, whatever their width', () => {
    for (let buckets = 1; buckets <= 100; buckets += 1) {
      const script = new Script({ window: { seconds: 1, buckets } }).ok(1_234)
      assert.equal(script.look(2_233).run().final.window.total, 1, `${buckets}`)
      assert.equal(script.look(2_234).run().final.window.total, 0, `${buckets}`)
    }
  })

  test('A10: an idle hour clears what was counted before it', () => {
    const script = rated({ minimumCalls: 8 }).set(0, { mode: 'metrics_only' })
    for (let second = 0; second < 10; second += 1) script.fail(second * 1_000)
    const later = 3_609_000
    const { final } = script.ok(later, 8).set(later, { mode: 'auto' }).fail(later).run()
    assert.deepEqual([final.state, final.window], ['closed', { total: 9, failed: 1, slow: 0 }])
  })

  test('A11: an idle gap of 2^32 + 1 buckets leaves nothing behind', () => {
    const later = (2 ** 32 + 1) * 1_000
    const script = new Script().fail(0).ok(later)
    assert.equal(script.run().final.window.total, 1)
    assert.deepEqual(script.ok(later + 999).run().final.window, { total: 2, failed: 0, slow: 0 })
  })

  test('A13: three good and two bad of five are 40 %, more than 30 %', () => {
    const script = rated({ failureRate: 30, window: { calls: 5 }, minimumCalls: 5 })
      .ok(0, 3)
      .fail(1, 2)
    assert.equal(stateAfter(script), 'open')
  })

  test('A14: the first and only call opens nothing', () => {
    assert.equal(stateAfter(new Script().fail(0)), 'closed')
  })

  test('A15: the twentieth failure opens and says why', () => {
    const script = new Script().fail(0, 19)
    assert.equal(stateAfter(script), 'closed')
    const { transitions } = script.fail(500).run()
    assert.match(
      transitions[0]!.reason,
      /^failure_rate: 20 of 20 calls \(100 %\) failed in the last 10 s .*limit is 50 %/,
    )
  })

  test('a count window forgets its oldest call, not its oldest second', () => {
    const script = rated({ window: { calls: 4 }, minimumCalls: 4, failureRate: 75 })
      .fail(0, 2)
      .ok(9_000_000, 3)
    assert.deepEqual(script.run().final.window, { total: 4, failed: 1, slow: 0 })
  })
})

describe('slow calls', () => {
  const slow = { slowCall: { thresholdMs: 2_000, rate: 50 }, minimumCalls: 10, failureRate: 50 }

  test('A17: as slow as the threshold is not slow', () => {
    const script = rated(slow).ok(0, 5, { ttfb_ms: 2_000 }).ok(1, 5, { ttfb_ms: 100 })
    assert.equal(stateAfter(script), 'closed')
  })

  test('A18: slower than the threshold opens', () => {
    const result = rated(slow).ok(0, 5, { ttfb_ms: 2_001 }).ok(1, 5, { ttfb_ms: 100 }).run()
    assert.deepEqual(changes(result), ['closed>open'])
    assert.match(
      result.transitions[0]!.reason,
      /^slow_call_rate: 5 of 10 calls \(50 %\) took longer than 2000 ms/,
    )
  })

  test('A19: failed and slow at once is one opening with both reasons', () => {
    const result = rated(slow).fail(0, 5, { ttfb_ms: 3_000 }).ok(1, 5, { ttfb_ms: 1 }).run()
    assert.deepEqual(changes(result), ['closed>open'])
    assert.match(result.transitions[0]!.reason, /^failure_rate: .*; slow_call_rate: /)
  })

  test('B15: the length of a WebSocket does not make it slow', () => {
    assert.equal(stateAfter(rated(slow).calls(0, 10, { status: 101, duration_ms: 600_000 })), 'closed')
  })

  test('B16: a stream is as slow as its first byte', () => {
    assert.equal(stateAfter(rated(slow).ok(0, 10, { ttfb_ms: 50, duration_ms: 30_000 })), 'closed')
  })

  test('B17: no first byte is no sample of slowness', () => {
    const { final } = rated(slow).ok(0, 10, { ttfb_ms: -1, duration_ms: 9_000 }).run()
    assert.deepEqual(final.window, { total: 10, failed: 0, slow: 0 })
  })
})

test('C12: a clock that jumps an hour ahead ends an opening, nothing else', () => {
  const script = consecutive(1, { openSeconds: 30 }).fail(0)
  script.access(3_600_000)
  const result = script.run()
  assert.equal(isLastAdmitted(result), true)
  assert.equal(result.final.state, 'half_open')
})

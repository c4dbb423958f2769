// Openings, trials and late reports. Names begin with the number of the acceptance case they are.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulateBreaker } from '../../../operator/cli/simulate-breaker.ts'
import { changes, isLastAdmitted, Script, stateAfter } from './script.ts'

const OPEN = 'closed>open'
const TRY = 'open>half_open'

const CLOSE = 'half_open>closed'

const circuit = (more: object = {}) =>
  new Script({ openSeconds: 30, backoff: { jitter: 0 }, service: { consecutiveFailures: 5 }, ...more })
/** Opened at 0 for 30 s, one trial. */
const opened = (more: object = {}) => circuit({ halfOpen: { trials: 1 }, ...more }).fail(0, 5)

/** Seconds of each opening when every trial fails. */
function openings(config: object, count: number): number[] {
  const script = new Script({ halfOpen: { trials: 1 }, service: { consecutiveFailures: 1 }, ...config }).fail(
    0,
  )
  const lengths: number[] = []
  let now = 0
  for (let i = 0; i < count; i += 1) {
    const { retry_after } = script.look(now).run().final
    lengths.push(retry_after!)
    now += retry_after! * 1_000
    script.fail(now)
  }
  return lengths
}

describe('how long an opening lasts', () => {
  test('C3: doubles with every failed trial, up to the most', () => {
    const backoff = { factor: 2, maxSeconds: 60, jitter: 0 }
    assert.deepEqual(openings({ openSeconds: 1, backoff }, 8), [1, 2, 4, 8, 16, 32, 60, 60])
  })

  test('C4: jitter adds up to its share and never passes the most', () => {
    const scenario = (seed: number, openSeconds: number) =>
      simulateBreaker({
        config: {
          openSeconds,
          backoff: { jitter: 50, maxSeconds: 60 },
          service: { consecutiveFailures: 1 },
          seed,
        },
        events: new Script().fail(0).input['events'],
      }).transitions[0]!.reason
    const seconds = (reason: string) => Number(/open for ([\d.]+) s/.exec(reason)![1])
    const first = Array.from({ length: 1_000 }, (_, seed) => seconds(scenario(seed, 1)))
    assert.ok(first.every((each) => each >= 1 && each <= 1.5))
    assert.ok(new Set(first).size > 3)
    assert.ok(Math.min(...first) < 1.1 && Math.max(...first) > 1.4)
    const last = Array.from({ length: 100 }, (_, seed) => seconds(scenario(seed, 60)))
    assert.deepEqual([...new Set(last)], [60])
  })

  test('the same seed gives the same jitter', () => {
    const of = (seed: number) =>
      new Script({ seed, service: { consecutiveFailures: 1 } }).fail(0).run().transitions[0]!.reason
    assert.equal(of(7), of(7))
    assert.notEqual(of(7), of(8))
  })

  test('an opening is never longer than maxSeconds, not even the first', () => {
    assert.deepEqual(openings({ openSeconds: 400, backoff: { jitter: 0 } }, 1), [300])
  })

  for (const [intervals, seconds] of [
    [0, 320],
    [1, 160],
    [4, 20],
    [5, 10],
    [50, 10],
  ] as const) {
    test(`C6: after ${intervals} healthy intervals the fifth level is back at ${seconds} s`, () => {
      const script = new Script({
        openSeconds: 10,
        backoff: { factor: 2, maxSeconds: 3_600, jitter: 0 },
        halfOpen: { trials: 1 },
        service: { consecutiveFailures: 1 },
      }).fail(0)
      let now = 0
      for (let attempt = 0; attempt < 5; attempt += 1) {
        now += 10_000 * 2 ** attempt
        script.fail(now)
      }
      now += 320_000
      script.ok(now)
      const { final } = script.fail(now + intervals * 10_000).run()
      assert.deepEqual([final.state, final.retry_after], ['open', seconds])
    })
  }

  for (const [failed, intervals, seconds] of [
    [5, 2, 40],
    [5, 4, 20],
    [5, 5, 10],
    [30, 18, 40],
    [30, 20, 10],
  ] as const) {
    test(`${failed} failed trials count beyond the longest opening, but never for more than 20 intervals: ${intervals} later it opens for ${seconds} s`, () => {
      const script = new Script({
        openSeconds: 10,
        backoff: { factor: 2, maxSeconds: 40, jitter: 0 },
        halfOpen: { trials: 1 },
        service: { consecutiveFailures: 1 },
      })
      let now = 0
      for (let i = 0; i <= failed; i += 1) {
        script.fail(now)
        now += 40_000
      }
      script.ok(now).fail(now + intervals * 10_000)
      assert.equal(script.run().final.retry_after, seconds)
    })
  }

  test('nor do those that did not grow count for more, should the factor be changed', () => {
    const rules = {
      openSeconds: 10,
      backoff: { factor: 1, maxSeconds: 40, jitter: 0 },
      halfOpen: { trials: 1 },
    }
    const script = new Script({ ...rules, service: { consecutiveFailures: 1 } })
    for (let i = 0; i <= 30; i += 1) script.fail(i * 10_000)
    script
      .ok(310_000)
      .set(310_000, { backoff: { factor: 2 } })
      .fail(310_000 + 20 * 10_000)
    assert.equal(script.run().final.retry_after, 10)
  })

  for (const [openSeconds, factor, trialAt, deadline] of [
    [100, 1.1, 100_000, 210_000],
    [16.1, 1, 16_100, 32_200],
  ] as const) {
    test(`${openSeconds} s and factor ${factor} are whole milliseconds: the second opening ends at ${deadline}`, () => {
      const rules = { openSeconds, backoff: { factor, jitter: 0 }, halfOpen: { trials: 1 } }
      const script = new Script({ ...rules, service: { consecutiveFailures: 1 } }).fail(0).fail(trialAt)
      for (const at of [trialAt, deadline - 1, deadline]) script.access(at)
      assert.deepEqual(
        script
          .run()
          .decisions.slice(-3)
          .map(({ retry_after }) => retry_after),
        [Math.ceil((deadline - trialAt) / 1_000), 1, null],
      )
    })
  }

  test('C10: late failures neither lengthen it nor open twice', () => {
    const script = circuit()
    const late = Array.from({ length: 3 }, () => script.access(0))
    script.fail(0, 5)
    for (const id of late) script.outcome(5_000, id, { status: 503, started_at: 0 })
    script.access(29_999)
    script.access(30_000)
    const result = script.run()
    assert.deepEqual(changes(result), [OPEN, TRY])
    assert.deepEqual(
      result.decisions.slice(-2).map(({ admitted }) => admitted),
      [false, true],
    )
  })

  test('C11: Retry-After is what is left in whole seconds, at least one', () => {
    const script = opened()
    for (const at of [12_300, 29_990, 29_999.9]) script.access(at)
    assert.deepEqual(
      script
        .run()
        .decisions.slice(-3)
        .map(({ retry_after }) => retry_after),
      [18, 1, 1],
    )
  })
})

describe('trials', () => {
  test('D1: of a hundred at once exactly one is let through', () => {
    const script = opened()
    for (let i = 0; i < 100; i += 1) script.access(30_000)
    const { decisions } = script.run()
    const admitted = decisions.slice(-100).filter((each) => each.admitted)
    assert.equal(admitted.length, 1)
    assert.ok(decisions.slice(-99).every((each) => each.state === 'half_open' && each.retry_after! >= 1))
  })

  test('D2: three of three good ones close', () => {
    const script = circuit().fail(0, 5)
    const trials = [0, 1, 2].map(() => script.access(30_000))
    script.outcome(30_001, trials[0]!).outcome(30_002, trials[1]!)
    assert.equal(stateAfter(script), 'half_open')
    assert.deepEqual(changes(script.outcome(30_003, trials[2]!).run()), [OPEN, TRY, CLOSE])
  })

  test('one bad one opens again, whatever the others say', () => {
    const script = circuit().fail(0, 5)
    const trials = [0, 1, 2].map(() => script.access(30_000))
    script.outcome(30_001, trials[0]!).outcome(30_002, trials[1]!, { status: 500 })
    const { final, transitions } = script.outcome(30_003, trials[2]!).run()
    assert.deepEqual([final.state, final.attempt, final.retry_after], ['open', 1, 60])
    assert.match(transitions.at(-1)!.reason, /^trial_failed: /)
  })

  test('fewer successes than trials may be enough, more than trials are as many as trials', () => {
    const few = circuit({ halfOpen: { trials: 3, requiredSuccesses: 2 } }).fail(0, 5)
    assert.equal(stateAfter(few.ok(30_000, 2)), 'closed')
    const many = circuit({ halfOpen: { trials: 2, requiredSuccesses: 9 } }).fail(0, 5)
    assert.equal(stateAfter(many.ok(30_000, 2)), 'closed')
  })

  test('D8: a trial that never reports is given up at its limit, and its late report is void', () => {
    const script = opened()
    const lost = script.access(30_000)
    script.access(39_999)
    const second = script.access(40_000)
    script.outcome(40_001, lost, { status: 503, started_at: 30_000 })
    const result = script.outcome(40_002, second, { started_at: 40_000 }).run()
    assert.deepEqual(
      result.decisions.slice(-3).map(({ admitted }) => admitted),
      [true, false, true],
    )
    assert.deepEqual(changes(result), [OPEN, TRY, 'half_open>half_open', CLOSE])
  })

  test('the limit is that of each trial: one that reported is not waited for', () => {
    const script = opened({ halfOpen: { trials: 3 } })
    script.ok(30_000)
    script.access(38_000, 'second')
    script.access(41_000, 'third')
    script.outcome(42_000, 'third').outcome(47_999, 'second')
    assert.deepEqual(changes(script.run()), [OPEN, TRY, CLOSE])
  })

  test('the oldest of several lost trials ends the wait for all', () => {
    const script = opened({ halfOpen: { trials: 2 } })
    for (const at of [30_000, 38_000, 39_999, 40_000]) script.access(at)
    assert.deepEqual(
      script
        .run()
        .decisions.slice(-4)
        .map(({ admitted }) => admitted),
      [true, true, false, true],
    )
  })

  test('D9: without traffic nothing happens', () => {
    const script = opened().calls(30_000, 1, { status: 499 })
    assert.deepEqual(changes(script.look(3_630_000).run()), [OPEN, TRY])
    assert.equal(stateAfter(script), 'half_open')
  })

  test('D12: the window is empty after closing, one failure opens nothing', () => {
    const script = new Script({ openSeconds: 1, backoff: { jitter: 0 } }).fail(0, 20).ok(1_000, 3)
    assert.deepEqual(script.run().final.window, { total: 0, failed: 0, slow: 0 })
    assert.equal(stateAfter(script.fail(1_001)), 'closed')
  })
})

describe('late reports', () => {
  test('E1: of a call from before the opening do not decide a trial', () => {
    const scenario = circuit({ halfOpen: { trials: 1 } })
    scenario.access(0, 'old')
    scenario.fail(0, 5)
    const trial = scenario.access(30_000)
    scenario.outcome(30_001, 'old', { status: 503, started_at: 0 })
    assert.equal(stateAfter(scenario), 'half_open')
    assert.equal(stateAfter(scenario.outcome(30_002, trial)), 'closed')
  })

  test('E1: nor does a good one close', () => {
    const scenario = circuit({ halfOpen: { trials: 1 } })
    scenario.access(0, 'old')
    scenario.fail(0, 5)
    scenario.access(30_000)
    assert.equal(stateAfter(scenario.outcome(30_001, 'old', { started_at: 0 })), 'half_open')
  })

  test('of a call from before the opening do not count after the closing', () => {
    const scenario = circuit({ halfOpen: { trials: 1 } })
    scenario.access(0, 'old')
    scenario.fail(0, 5).ok(30_000).outcome(30_001, 'old', { status: 503 })
    assert.equal(scenario.run().final.window.total, 0)
  })

  test('E3: six at once open once, the sixth changes nothing', () => {
    const script = circuit()
    const ids = Array.from({ length: 6 }, () => script.access(0))
    for (const [index, id] of ids.entries()) script.outcome(1 + index, id, { status: 503 })
    const result = script.look(6).run()
    assert.deepEqual(changes(result), [OPEN])
    assert.equal(result.final.retry_after, 30)
    assert.match(result.transitions[0]!.reason, /open for 30 s/)
  })

  test('E5: an outcome without access counts in a closed circuit alone', () => {
    const script = circuit({ halfOpen: { trials: 1 } })
    for (let i = 0; i < 5; i += 1) script.outcome(0, `unseen-${i}`, { status: 503, started_at: 0 })
    assert.equal(stateAfter(script), 'open')
    const trial = script.access(30_000)
    script.outcome(30_001, 'unseen-a', { status: 503, started_at: 30_000 })
    script.outcome(30_001, 'unseen-b', { started_at: 30_000 })
    const { final } = script.run()
    assert.deepEqual([final.state, final.permits], ['half_open', 0])
    assert.equal(stateAfter(script.outcome(30_002, trial)), 'closed')
  })

  test('E5: an outcome without access that started before the closing is void', () => {
    const script = opened().ok(30_000).outcome(30_001, 'unseen', { status: 503, started_at: 29_999 })
    assert.equal(script.run().final.window.total, 0)
    assert.equal(
      script.outcome(30_001, 'unseen-2', { status: 503, started_at: 30_000 }).run().final.window.total,
      1,
    )
  })

  test('a second outcome of one call is void', () => {
    const script = circuit()
    const id = script.access(0)
    for (let i = 0; i < 9; i += 1) script.outcome(1, id, { status: 503 })
    assert.equal(script.run().final.window.total, 1)
  })

  test('G6: an open circuit lets nothing through', () => {
    const script = opened()
    for (let at = 1; at < 30_000; at += 997) script.access(at)
    const { decisions } = script.run()
    assert.ok(decisions.slice(5).every(({ admitted }) => !admitted))
    assert.equal(isLastAdmitted(script.run()), false)
  })
})

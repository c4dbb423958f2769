// Modes set by hand, settings that change, what a person reads. Names begin with the number of the acceptance case.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { simulateBreaker } from '../../../operator/cli/simulate-breaker.ts'
import { changes, isLastAdmitted, Script, stateAfter } from './script.ts'

const A = '10.0.0.1:80'
const B = '10.0.0.2:80'
const circuit = (more: object = {}) =>
  new Script(
    {
      openSeconds: 30,
      backoff: { jitter: 0 },
      ejection: { minimumGap: 0 },
      service: { consecutiveFailures: 5 },
      ...more,
    },
    [A, B],
  )
const bad = (script: Script, at: number, times: number) => script.tries(at, A, 503, times)

describe('modes', () => {
  test('forced_open refuses everything, whatever was before', () => {
    const script = circuit().set(0, { mode: 'forced_open' })
    script.access(1)
    const { decisions, transitions } = script.run()
    assert.deepEqual(decisions, [
      { id: 'call-1', at: 1, admitted: false, state: 'forced_open', retry_after: 30 },
    ])
    assert.deepEqual(changes(script.run()), ['closed>forced_open'])
    assert.equal(transitions[0]!.reason, 'by_hand: mode auto became forced_open')
  })

  test('I6: leaving forced_open is one event and gives a closed circuit with an empty window', () => {
    const script = circuit({ mode: 'forced_open' }).set(5, { mode: 'auto' })
    const result = script.ok(6).run()
    assert.deepEqual(changes(result), ['forced_open>closed'])
    assert.deepEqual(result.final.window, { total: 1, failed: 0, slow: 0 })
  })

  test('forced_open from an opening and back gives closed, not the old opening', () => {
    const script = bad(circuit(), 0, 5).set(1, { mode: 'forced_open' }).set(2, { mode: 'auto' })
    script.access(3)
    const result = script.run()
    assert.deepEqual(changes(result), ['closed>open', 'open>forced_open', 'forced_open>closed'])
    assert.deepEqual([isLastAdmitted(result), result.final.window.total], [true, 0])
  })

  test('outcomes of calls from before forced_open count nowhere in the service afterwards', () => {
    const script = circuit()
    script.access(0, 'old')
    script.set(1, { mode: 'forced_open' }).set(2, { mode: 'auto' }).outcome(3, 'old', { status: 503 })
    assert.equal(script.run().final.window.total, 0)
  })

  test('forced_closed lets everything through and ejects nobody', () => {
    const result = bad(circuit({ mode: 'forced_closed' }), 0, 100).run()
    assert.ok(result.decisions.every(({ admitted, state }) => admitted && state === 'closed'))
    assert.deepEqual([result.transitions, result.ejected], [[], []])
  })

  test('I3: disabled lets everything through, counts nothing and tells nothing', () => {
    const result = bad(circuit({ mode: 'disabled' }), 0, 100).run()
    assert.ok(result.decisions.every(({ admitted }) => admitted))
    assert.deepEqual([result.transitions, result.ejected, result.final.window.total], [[], [], 0])
    assert.equal(result.final.instances[A]!.window.total, 0)
  })

  test('failures before disabled do not go on in a row after it', () => {
    const script = bad(circuit(), 0, 4).set(1, { mode: 'disabled' }).set(2, { mode: 'auto' })
    assert.deepEqual(changes(bad(script, 3, 1).run()), [])
  })

  test('I4: metrics_only counts, lets everything through and says once that it would open', () => {
    const result = bad(circuit({ mode: 'metrics_only' }), 0, 100).run()
    assert.ok(result.decisions.every(({ admitted, state }) => admitted && state === 'closed'))
    assert.deepEqual(
      result.transitions.map(({ circuit, from, to, would_be }) => [circuit, from, to, would_be]),
      [
        [A, 'closed', 'ejected', true],
        ['service', 'closed', 'open', true],
      ],
    )
    assert.match(result.transitions[1]!.reason, /^would open: consecutive_failures: 5 failures in a row/)
    assert.deepEqual([result.final.window.total, result.ejected], [100, []])
  })

  test('metrics_only says it anew when it got good and bad again', () => {
    const script = bad(circuit({ mode: 'metrics_only', failureRate: 0 }), 0, 9).tries(1, A, 200)
    assert.deepEqual(changes(bad(script, 2, 9).run()), ['closed>open', 'closed>open'])
  })

  test('what metrics_only counted holds when it ends', () => {
    const script = bad(circuit({ mode: 'metrics_only' }), 0, 4).set(1, { mode: 'auto' })
    assert.deepEqual(changes(bad(script, 2, 1).run()), ['closed>open'])
  })

  for (const mode of ['metrics_only', 'forced_closed', 'disabled']) {
    test(`${mode} closes what is open and puts back what is ejected`, () => {
      const script = bad(circuit(), 0, 5).set(1, { mode })
      script.access(2)
      const result = script.run()
      assert.deepEqual(changes(result).at(-1), 'open>closed')
      assert.deepEqual(changes(result, A).at(-1), 'ejected>closed')
      assert.deepEqual([isLastAdmitted(result), result.ejected], [true, []])
    })
  }
})

describe('settings that change', () => {
  test('I7: a lower rate holds from the next report on, over what was counted', () => {
    const script = new Script({ service: { failureRate: 50 } }).ok(0, 12).fail(0, 8)
    assert.deepEqual(changes(script.run()), [])
    assert.deepEqual(changes(script.set(1, { service: { failureRate: 30 } }).run()), [])
    assert.deepEqual(changes(script.ok(2).run()), ['closed>open'])
  })

  test('I7: an open circuit does not close by it', () => {
    const script = bad(circuit(), 0, 5).set(1, { openSeconds: 1, failureRate: 99 })
    script.access(29_999)
    assert.equal(isLastAdmitted(script.run()), false)
  })

  test('I8: settings that say the same change nothing', () => {
    const before = bad(circuit(), 0, 5)
    const script = before.set(1, { rampSeconds: 5 })
    assert.deepEqual([script.run().final.state, script.run().final.retry_after], ['open', 30])
    assert.deepEqual(script.run().ejected, [A])
  })

  describe('while a trial runs', () => {
    const trialOf = (trials: number) => {
      const script = circuit({ halfOpen: { trials }, backoff: { jitter: 0 } }).fail(0, 5)
      return { script, id: script.access(30_000) }
    }

    test('more trials are admitted, and all of them are needed', () => {
      const { script, id } = trialOf(1)
      script.set(30_001, { halfOpen: { trials: 3 } }).outcome(30_002, id)
      assert.equal(stateAfter(script), 'half_open')
      script.access(30_003)
      assert.equal(isLastAdmitted(script.run()), true)
      assert.equal(stateAfter(script.outcome(30_004, 'call-7').ok(30_005)), 'closed')
    })

    test('more successes are needed than trials were good, and more trials are admitted', () => {
      const { script, id } = trialOf(3)
      script.set(30_001, { halfOpen: { trials: 9, requiredSuccesses: 9 } }).outcome(30_002, id)
      assert.equal(stateAfter(script.ok(30_003, 7)), 'half_open')
      assert.equal(stateAfter(script.ok(30_004)), 'closed')
    })

    test('fewer trials close it when so many were good, and admit none beyond them when not', () => {
      const { script, id } = trialOf(3)
      script.access(30_001)
      const few = script.outcome(30_002, id).set(30_003, { halfOpen: { trials: 1 } })
      assert.deepEqual(changes(few.run()).slice(-1), ['half_open>closed'])

      const { script: other } = trialOf(3)
      other.set(30_001, { halfOpen: { trials: 1 } }).access(30_002)
      assert.equal(isLastAdmitted(other.run()), false)
    })
  })

  test('another window starts empty', () => {
    const script = new Script().fail(0, 9).set(1, { window: { calls: 10 } })
    assert.equal(script.run().final.window.total, 0)
  })

  test('set merges deep, and naming one form of the window drops the other', () => {
    const script = new Script({ window: { calls: 10 }, service: { minimumCalls: 2, failureRate: 90 } })
    script
      .set(0, { window: { seconds: 30 }, service: { failureRate: 50 } })
      .fail(1)
      .ok(1)
    assert.match(script.run().transitions[0]!.reason, /1 of 2 calls \(50 %\) failed in the last 30 s/)
  })

  test('rules of the service circuit do not touch those of instances', () => {
    const result = bad(circuit({ consecutiveFailures: 3, service: { consecutiveFailures: 7 } }), 0, 7).run()
    assert.deepEqual(
      result.transitions.map(({ circuit, reason }) => [circuit, /^.*?row/.exec(reason)![0]]),
      [
        [A, 'consecutive_failures: 3 failures in a row'],
        ['service', 'consecutive_failures: 7 failures in a row'],
      ],
    )
  })

  test('settings may stand below circuitBreaker as they do in KV', () => {
    const events = new Script().fail(0, 2).input['events']
    const { final } = simulateBreaker({
      config: { circuitBreaker: { service: { consecutiveFailures: 2 } }, seed: 3 },
      events,
    })
    assert.equal(final.state, 'open')
  })
})

test('what else a production log says of a call is passed over', () => {
  const events = [
    { at: 0, outcome: { id: 'a', status: 503, route: 'web', ip: '10.0.0.9', request_size: 5, ts: 1 } },
  ]
  assert.equal(simulateBreaker({ name: 'A14', title: 'x', events }).final.window.failed, 1)
})

describe('an input that is not a scenario is refused with the field', () => {
  const event = (event: object) => ({ events: [event] })
  const cases: [string, unknown, RegExp][] = [
    ['no events', {}, /^events: must be a list of events$/],
    [
      'a misspelt key beside events',
      { confg: { openSeconds: 1 }, events: [] },
      /^confg: is not known here; did you mean config\?$/,
    ],
    [
      'a misspelt key of an outcome',
      event({ at: 0, outcome: { id: 'a', statuss: 503 } }),
      /^events\[0\]\.outcome\.statuss: is not known here; did you mean status\?$/,
    ],
    [
      'a misspelt key of a try',
      event({ at: 0, outcome: { id: 'a', tries: [{ instance: 'a', status: 200 }, { instanse: 'a' }] } }),
      /^events\[0\]\.outcome\.tries\[1\]\.inst/,
    ],
    ['a list inside', [[]], /the input: must be an object with events/],
    [
      'an unknown setting',
      { config: { failurerate: 5 }, events: [] },
      /^config: failurerate .* did you mean failureRate\?/,
    ],
    [
      'a setting out of range',
      { config: { openSeconds: 0 }, events: [] },
      /^config: openSeconds must be a number from 0\.1/,
    ],
    [
      'a range from high to low',
      { config: { failureStatuses: ['599-500'] }, events: [] },
      /failureStatuses\[0\] must be a status such as 503/,
    ],
    [
      'a window of two forms',
      { config: { window: { calls: 1, seconds: 1 } }, events: [] },
      /must be \{seconds, buckets\} or \{calls\}, not both/,
    ],
    [
      'a setting of set',
      event({ at: 0, set: { mode: 'open' } }),
      /^events\[0\]\.set: mode must be one of auto/,
    ],
    ['a seed', { config: { seed: 'x' }, events: [] }, /^config\.seed: must be a number$/],
    [
      'an event of no kind',
      event({ at: 0, acess: 'a' }),
      /^events\[0\]: has unknown acess; there are at, access/,
    ],
    ['an event of two kinds', event({ at: 0, access: 'a', set: {} }), /^events\[0\]: must hold one of/],
    ['a time', event({ at: '0', access: 'a' }), /^events\[0\]\.at: must be a number of milliseconds$/],
    [
      'a try',
      event({ at: 0, outcome: { id: 'a', tries: [{ instance: 'a', status: 'broken' }] } }),
      /^events\[0\]\.outcome\.tries\[0\]\.status: must be a status such as 503, "connect_error"/,
    ],
    ['a health', event({ at: 0, health: { a: 'ok' } }), /^events\[0\]\.health\.a: must be healthy, degraded/],
    [
      'time that falls',
      {
        events: [
          { at: 5, access: 'a' },
          { at: 4, access: 'b' },
        ],
      },
      /^events\[1\]\.at: must not be before/,
    ],
  ]
  for (const [name, input, message] of cases) {
    test(name, () => assert.throws(() => simulateBreaker(input), { name: 'SimulationInputError', message }))
  }
})

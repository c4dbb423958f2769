// Ejection of instances: rules, cap, panic, membership. Names begin with the number of the acceptance case they are.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changes, isLastAdmitted, Script } from './script.ts'

const list = (count: number) => Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}:80`)
const [A, B, C, D] = list(4) as [string, string, string, string]

const group = (count: number, ejection: object = {}, more: object = {}) =>
  new Script(
    { openSeconds: 30, backoff: { jitter: 0 }, ejection: { minimumGap: 0, ...ejection }, ...more },
    list(count),
  )
/** Each of the named fails five times in a row. */
const failing = (script: Script, instances: readonly string[], at = 0) => {
  for (const instance of instances) script.tries(at, instance, 503, 5)
  return script
}

describe('one bad instance', () => {
  test('is ejected by its fifth failure in a row, and not by the fourth', () => {
    assert.deepEqual(group(3).tries(0, A, 503, 4).run().ejected, [])
    const result = group(3).tries(0, A, 503, 4).tries(1, A, 200).tries(2, A, 503, 5).run()
    assert.deepEqual(result.ejected, [A])
    assert.match(
      result.transitions[0]!.reason,
      /^consecutive_failures: 5 failures in a row; ejected for 30 s$/,
    )
  })

  test('is ejected by its failure rate', () => {
    const script = group(3, {}, { consecutiveFailures: 0, service: { failureRate: 0 } })
    for (let i = 0; i < 10; i += 1) script.tries(i, A, 503).tries(i, A, 200)
    assert.deepEqual(changes(script.run(), A), ['closed>ejected'])
  })

  test('F18: of ten leaves the service circuit closed', () => {
    const script = group(10)
    for (let round = 0; round < 20; round += 1) {
      for (const each of list(10))
        if (each !== A || round < 5) script.tries(round, each, each === A ? 503 : 200)
    }
    const result = script.run()
    assert.deepEqual([result.ejected, result.final.state, changes(result)], [[A], 'closed', []])
  })

  test('F17: late failures during ejection are ignored, counters start anew on return', () => {
    const script = failing(group(3), [A])
      .tries(1, A, 503, 9)
      .tries(30_000, A, 200, 3)
      .tries(30_001, A, 503, 4)
    const result = script.run()
    assert.deepEqual(changes(result, A), ['closed>ejected', 'ejected>probing', 'probing>closed'])
    assert.deepEqual(changes(script.tries(30_002, A, 503).run(), A).at(-1), 'closed>ejected')
  })

  test('comes back at the first call after its time, and three good tries close it', () => {
    const script = failing(group(3), [A])
    script.access(29_999)
    assert.deepEqual(script.run().ejected, [A])
    script.access(30_000)
    const { ejected, final } = script.run()
    assert.deepEqual([ejected, final.instances[A]!.state], [[], 'probing'])
    assert.equal(script.tries(30_001, A, 200, 2).run().final.instances[A]!.state, 'probing')
    assert.equal(script.tries(30_002, A, 200).run().final.instances[A]!.state, 'closed')
  })

  test('comes back by the clock: a look, or the outcome of a refused call, is late enough', () => {
    const ended = (script: Script) => script.look(60_000).run().transitions.at(-1)!.at
    assert.equal(ended(failing(group(3), [A]).look(30_000)), 30_000)
    const refused = failing(group(3), [A]).set(1, { mode: 'forced_open' })
    const id = refused.access(29_999)
    assert.equal(ended(refused.outcome(30_000, id)), 30_000)
  })

  test('one bad try while probing ejects it again, for longer', () => {
    const script = failing(group(3), [A]).tries(30_000, A, 200, 2).tries(30_001, A, 503)
    assert.equal(script.run().final.instances[A]!.ejected_until, 90_001)
  })

  test('tries of calls from before the return decide nothing', () => {
    const script = group(3)
    const old = script.access(0)
    failing(script, [A])
    script.access(30_000)
    script.outcome(30_001, old, { status: 503, tries: [{ instance: A, status: 503, ms: 1 }] })
    assert.equal(script.run().final.instances[A]!.state, 'probing')
  })
})

describe('how many may go', () => {
  const cases: [name: string, count: number, ejection: object, bad: number, ejected: number][] = [
    ['F1: of three at 50 %, one', 3, { maxPercent: 50 }, 3, 1],
    ['F2: of three at 67 %, two', 3, { maxPercent: 67, panicPercent: 0 }, 3, 2],
    ['F3: of ten at 10 %, one', 10, { maxPercent: 10 }, 4, 1],
    ['F5: of one at 100 %, none', 1, { maxPercent: 100 }, 1, 0],
    ['H11: of two at 100 %, one: the last stays', 2, { maxPercent: 100 }, 2, 1],
    ['of four at 100 % with three to stay, one', 4, { maxPercent: 100, minimumHealthy: 3 }, 4, 1],
    ['0 % ejects nothing', 4, { maxPercent: 0 }, 4, 0],
    ['of two at 50 %, one', 2, { maxPercent: 50 }, 2, 1],
  ]
  for (const [name, count, ejection, bad, ejected] of cases) {
    test(name, () => {
      const result = failing(group(count, ejection), list(count).slice(0, bad)).run()
      assert.deepEqual(result.ejected, list(count).slice(0, ejected))
      assert.equal(result.final.overflow, bad - ejected)
    })
  }

  test('F3: an instance that goes on failing counts as overflow once', () => {
    const script = failing(group(3), [A, B]).tries(1, B, 503, 20)
    assert.equal(script.run().final.overflow, 1)
  })

  test('F19: all of ten bad: no more than half are out, and the service circuit opens by its rate', () => {
    const script = group(10)
    for (let round = 0; round < 8; round += 1) for (const each of list(10)) script.tries(round, each, 503)
    script.access(9)
    const result = script.run()
    assert.ok(result.ejected.length <= 5)
    assert.deepEqual(changes(result), ['closed>open'])
    assert.equal(isLastAdmitted(result), false)
    assert.ok(result.decisions.at(-1)!.retry_after! >= 1)
  })

  test('an instance that Consul calls unhealthy is none of those that stay', () => {
    const script = group(2, { maxPercent: 100 }).health(0, { [B]: 'unhealthy' })
    assert.deepEqual(failing(script, [A]).run().ejected, [])
  })

  test('a degraded instance serves only when none is healthy, so it is none of those that stay', () => {
    const one = group(2, { maxPercent: 100 }).health(0, { [B]: 'degraded' })
    assert.deepEqual(failing(one, [A]).run().ejected, [])
    const both = group(2).health(0, { [A]: 'degraded', [B]: 'degraded' })
    assert.deepEqual(failing(both, [A]).run().ejected, [A])
  })
})

describe('panic', () => {
  const wide = { maxPercent: 100 }

  test('F6: two of four out is none', () => {
    const { ejected, final } = failing(group(4, wide), [A, B]).run()
    assert.deepEqual([ejected, final.panic], [[A, B], false])
  })

  test('F6: with three of four out all are back in rotation and the verdicts stay', () => {
    const { ejected, final } = failing(group(4, wide), [A, B, C]).run()
    assert.deepEqual([ejected, final.panic], [[], true])
    assert.deepEqual(
      [A, B, C, D].map((each) => final.instances[each]!.state),
      ['ejected', 'ejected', 'ejected', 'closed'],
    )
  })

  test('it ends when enough are back, and the verdicts that still run hold again', () => {
    const script = failing(group(4, wide), [A])
    failing(script, [B, C], 10_000)
    script.access(30_000)
    const { ejected, final } = script.run()
    assert.deepEqual([ejected, final.panic, final.instances[A]!.state], [[B, C], false, 'probing'])
  })

  test('0 turns it off', () => {
    const { ejected, final } = failing(group(4, { ...wide, panicPercent: 0 }), [A, B, C]).run()
    assert.deepEqual([ejected, final.panic], [[A, B, C], false])
  })

  test('F7: without panic and with all ejected, calls are refused until the first one returns', () => {
    const off = { maxPercent: 100, panicPercent: 0, minimumHealthy: 0 }
    const script = failing(group(2, off), [A])
    failing(script, [B], 4_000)
    script.access(4_500)
    script.access(30_000)
    assert.deepEqual(
      script
        .run()
        .decisions.slice(-2)
        .map(({ admitted, state, retry_after }) => [admitted, state, retry_after]),
      [
        [false, 'closed', 26],
        [true, 'closed', null],
      ],
    )
  })

  test('when Consul takes the rest, ejected instances are put back', () => {
    const script = failing(group(2), [A]).health(1, { [B]: 'unhealthy' })
    const { ejected, final } = script.run()
    assert.deepEqual([ejected, final.panic], [[], true])
  })
})

describe('a bad URL is no bad instance', () => {
  const strict = (more: object = {}) => group(3, { minimumGap: 20 }, more)

  test('answered failures that all have alike eject nobody', () => {
    const script = strict()
    for (let round = 0; round < 30; round += 1) for (const each of list(3)) script.tries(round, each, 500)
    assert.deepEqual(script.run().ejected, [])
  })

  test('an instance that fails more than the others by the gap is ejected', () => {
    const script = strict()
    for (let round = 0; round < 5; round += 1) {
      script
        .tries(round, B, 200)
        .tries(round, C, round % 2 === 0 ? 500 : 200)
        .tries(round, A, 500)
    }
    assert.deepEqual(script.run().ejected, [A])
  })

  test('an instance alone with traffic has nobody to be compared with', () => {
    assert.deepEqual(strict().tries(0, A, 500, 5).run().ejected, [A])
  })

  for (const status of ['connect_error', 'timeout']) {
    test(`${status} always counts`, () => {
      const script = strict()
      for (let round = 0; round < 5; round += 1) for (const each of list(3)) script.tries(round, each, status)
      assert.deepEqual(script.run().ejected, [A])
    })
  }

  test('an instance that was good for long goes within ten failures', () => {
    const script = strict()
    for (let at = 0; at < 9_000; at += 15) for (const each of list(3)) script.tries(at, each, 200)
    for (let round = 0; round < 5; round += 1) {
      script.tries(9_000, A, 500).tries(9_000, B, 200).tries(9_000, C, 200)
    }
    assert.deepEqual(script.run().ejected, [A])
  })

  test('a burst on a broken URL after a good time ejects nobody', () => {
    const script = strict()
    for (let at = 0; at < 9_000; at += 15) for (const each of list(3)) script.tries(at, each, 200)
    for (let round = 0; round < 40; round += 1) for (const each of list(3)) script.tries(9_000, each, 500)
    assert.deepEqual(script.run().ejected, [])
  })

  test('failures of the others that are out of the window hide nothing', () => {
    const script = strict({ service: { failureRate: 0 } })
    for (let round = 0; round < 10; round += 1) for (const each of list(3)) script.tries(round, each, 500)
    script.tries(20_000, B, 200).tries(20_000, C, 200).tries(20_000, A, 500, 5)
    assert.deepEqual(script.run().ejected, [A])
  })

  test('rates are compared over the window where the rate rule speaks', () => {
    const rates = (own: number) => {
      const script = strict({ consecutiveFailures: 0, service: { failureRate: 0 } })
      const isBad = (percent: number, i: number) => i % 10 < percent / 10
      for (let i = 0; i < 40; i += 1) {
        script.tries(0, B, isBad(40, i) ? 500 : 200).tries(0, C, isBad(40, i) ? 500 : 200)
        script.tries(0, A, isBad(own, i) ? 500 : 200)
      }
      return script.run().ejected
    }
    assert.deepEqual(rates(50), [])
    assert.deepEqual(rates(70), [A])
  })
})

describe('membership', () => {
  test('F9: an instance that is gone makes room for the next ejection', () => {
    const script = failing(group(4, { maxPercent: 25 }), [A, B])
    assert.deepEqual(script.run().ejected, [A])
    const gone = script
      .health(1, { [A]: 'absent' })
      .health(1, { '10.0.0.5:80': 'healthy' })
      .tries(2, B, 503)
      .run()
    assert.deepEqual([gone.ejected, Object.keys(gone.final.instances).includes(A)], [[B], false])
  })

  for (const [name, backMs, state] of [
    ['F10: within five minutes keeps its verdict', 1_000, 'ejected'],
    ['F10: an hour later is as new', 3_600_000, 'closed'],
  ] as const) {
    test(`an address that comes back ${name}`, () => {
      const script = failing(group(3, {}, { openSeconds: 86_400, backoff: { maxSeconds: 86_400 } }), [A])
      script.health(1, { [A]: 'absent' }).health(1 + backMs, { [A]: 'healthy' })
      assert.equal(script.run().final.instances[A]!.state, state)
    })
  }

  const restarted = (script: Script, back = 'healthy', at = 1) =>
    script.health(at, { [A]: 'unhealthy' }).health(at + 1, { [A]: back })

  test('an instance that answered badly, and that Consul calls critical and then passing, keeps its verdict', () => {
    assert.deepEqual(restarted(failing(group(3), [A])).run().ejected, [A])
    const mixed = group(3).tries(0, A, 503).tries(0, A, 'connect_error', 4)
    assert.deepEqual(restarted(mixed).run().ejected, [A])
  })

  for (const how of ['connect_error', 'timeout']) {
    test(`one that was ejected for ${how} alone is tried again when its check has failed and passes`, () => {
      const script = () => restarted(group(3).tries(0, A, how, 5))
      const result = script().run()
      assert.deepEqual(changes(result, A), ['closed>ejected', 'ejected>probing'])
      assert.match(result.transitions.at(-1)!.reason, /^check_passed: /)
      assert.deepEqual(result.ejected, [])
      assert.equal(changes(script().tries(3, A, 200, 3).run(), A).at(-1), 'probing>closed')
    })
  }

  test('connections that were reset while an answer was waited for are the same: nginx has its own 502 for them', () => {
    const reset = (times: number) => ({
      status: 200,
      tries: [
        ...Array.from({ length: times }, () => ({ instance: A, status: 502, ms: 1 })),
        { instance: B, status: 200, ms: 1 },
      ],
    })
    const script = () => group(3).calls(0, 2, reset(2)).calls(0, 1, reset(1))
    assert.deepEqual(changes(restarted(script()).run(), A), ['closed>ejected', 'ejected>probing'])
    assert.deepEqual(restarted(group(3).tries(0, A, 502, 5)).run().ejected, [A])
  })

  test('a failure rate of unanswered tries alone is the same', () => {
    const script = group(3, {}, { consecutiveFailures: 0, service: { failureRate: 0 } })
    for (let i = 0; i < 10; i += 1) script.tries(0, A, 'timeout').tries(0, A, 200)
    assert.deepEqual(changes(restarted(script).run(), A), ['closed>ejected', 'ejected>probing'])
  })

  test('one that fails again is out for longer, and a check that flaps lets it back once each time', () => {
    const script = restarted(group(3).tries(0, A, 'connect_error', 5)).tries(3, A, 'connect_error')
    const result = script.run()
    assert.match(result.transitions.at(-1)!.reason, /^probe_failed: a try got no answer; ejected for 60 s$/)
    assert.deepEqual(changes(script.health(4, { [A]: 'healthy' }).run(), A).at(-1), 'probing>ejected')
    assert.deepEqual(changes(restarted(script, 'healthy', 5).run(), A).at(-1), 'ejected>probing')
  })

  test('a check that never failed, one that fails on, and an address that is listed again prove nothing', () => {
    const silent = () => group(3).tries(0, A, 'connect_error', 5)
    assert.deepEqual(
      silent()
        .health(1, { [A]: 'degraded' })
        .health(2, { [A]: 'healthy' })
        .run().ejected,
      [A],
    )
    const relisted = silent()
      .health(1, { [A]: 'unhealthy' })
      .health(2, { [A]: 'absent' })
    assert.deepEqual(relisted.health(3, { [A]: 'healthy' }).run().ejected, [A])
    assert.deepEqual(restarted(silent(), 'unhealthy').run().ejected, [A])
  })

  test('three that restart one after another are never two out at a time: the last finds two to answer', () => {
    const script = group(3)
    for (const [at, each] of [A, B, C].entries()) {
      const ms = at * 5_000
      script.tries(ms, each, 'connect_error', 5).health(ms + 1_000, { [each]: 'unhealthy' })
      script.health(ms + 3_000, { [each]: 'healthy' }).tries(ms + 3_100, each, 200, 3)
    }
    const result = script.run()
    const back = ['closed>ejected', 'ejected>probing', 'probing>closed']
    for (const each of [A, B, C]) assert.deepEqual(changes(result, each), back)
  })
})

describe('ramp', () => {
  const ramped = () => failing(group(2, {}, { rampSeconds: 60 }), [A]).tries(30_000, A, 200, 3)
  const weightAt = (ms: number) => ramped().look(ms).run().final.instances[A]!.weight_percent

  for (const [seconds, weight] of [
    [3, 10],
    [30, 50],
    [59, 98],
    [60, 100],
  ] as const) {
    test(`J1: ${seconds} s after its return an instance has ${weight} % of its weight`, () => {
      assert.equal(weightAt(30_000 + seconds * 1_000), weight)
    })
  }

  test('J4: an ejection during the ramp starts it anew', () => {
    const script = ramped().tries(60_000, A, 503, 5).tries(90_000, A, 200, 3)
    assert.equal(script.look(93_000).run().final.instances[A]!.weight_percent, 10)
  })

  test('J5: nothing ramps at the start', () => {
    const { instances } = group(2, {}, { rampSeconds: 60 }).look(0).run().final
    assert.deepEqual(
      Object.values(instances).map((each) => each.weight_percent),
      [100, 100],
    )
  })
})

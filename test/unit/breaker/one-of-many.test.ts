// An instance that fails must not open the service circuit while others answer; the service as a whole must.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type Calls, rulesOfAll, type Share } from '../../../plugins/breaker/of-all.ts'
import { compileSettings } from '../../../plugins/breaker/settings.ts'
import { CONSECUTIVE, FAILURE_RATE, SLOW_RATE } from '../../../plugins/breaker/trip-rules.ts'
import { changes, Script } from './script.ts'

const list = (count: number) => Array.from({ length: count }, (_, index) => `10.0.0.${index + 1}:80`)

const SLOW_CALL = { thresholdMs: 500, rate: 50 }
const BAD = {
  500: ['500', { status: 500 }],
  429: ['429', { status: 429 }],
  slow: ['200', { status: 200, ttfb_ms: 501 }],
  timeout: ['timeout', { status: 504 }],
  connect_error: ['connect_error', { status: 502 }],
  'gRPC 14': ['200', { status: 200, grpc_status: 14 }],
  'silence until the client gave up': [
    '',
    { status: 499, source: 'client_abort', ttfb_ms: null, duration_ms: 1_000 },
  ],
} as const
type Kind = keyof typeof BAD

/** One call, answered well or in a bad way. */
const call = (script: Script, at: number, instance: string, kind: Kind | null) => {
  if (kind === null) return script.tries(at, instance, 200, 1, { ttfb_ms: 1 })
  const [said, fields] = BAD[kind]
  const status = said === '' ? null : Number.isNaN(Number(said)) ? said : Number(said)
  return script.calls(at, 1, { ...fields, tries: [{ instance, status, ms: 1_000 }] })
}

/** Each instance in turn, those in `bad` in the bad way. */
const inTurn = (
  script: Script,
  instances: readonly string[],
  bad: ReadonlySet<string>,
  kind: Kind,
  rounds = 30,
) => {
  for (let round = 0; round < rounds; round += 1) {
    for (const each of instances) call(script, round * 10, each, bad.has(each) ? kind : null)
  }
  return script
}

for (const kind of Object.keys(BAD) as Kind[]) {
  for (const count of [2, 3, 10]) {
    test(`${kind}: one of ${count} leaves the service circuit closed and is ejected`, () => {
      const instances = list(count)
      const script = new Script({ slowCall: SLOW_CALL }, instances)
      const result = inTurn(script, instances, new Set([instances[0]!]), kind).run()
      assert.deepEqual([changes(result), result.ejected], [[], [instances[0]]])
    })
  }
}

for (const kind of [500, 429, 'slow', 'timeout'] as const) {
  test(`${kind}: all of three open the service circuit at its minimum of calls, neither sooner nor later`, () => {
    const instances = list(3)
    const script = new Script({ slowCall: SLOW_CALL, service: { minimumCalls: 21 } }, instances)
    const result = inTurn(script, instances, new Set(instances), kind, 7).run()
    assert.deepEqual(changes(result), ['closed>open'])
    const sooner = new Script({ slowCall: SLOW_CALL, service: { minimumCalls: 22 } }, instances)
    assert.deepEqual(changes(inTurn(sooner, instances, new Set(instances), kind, 7).run()), [])
  })
}

/** Failures that each instance has its part of, in a window of ten calls. */
for (const [name, pattern] of [
  ['the second half', '..........xxxxxxxxxx'],
  ['the first half', 'xxxxxxxxxx..........'],
  ['five, then five good ones', 'xxxxx.....'],
  ['five good ones, then five', '.....xxxxx'],
] as const) {
  for (const count of [2, 3, 4]) {
    for (const minimumGap of [0, 20]) {
      test(`half of the calls fail, ${name}, alike at ${count}, minimumGap ${minimumGap}: it is the service`, () => {
        const instances = list(count)
        const settings = {
          consecutiveFailures: 0,
          ejection: { maxPercent: 0, minimumGap },
          service: { minimumCalls: pattern.length },
        }
        const script = new Script(settings, instances)
        for (const [index, each] of [...pattern].entries()) {
          call(script, index, instances[index % count]!, each === 'x' ? 500 : null)
        }
        const opened = script.run().transitions.filter(({ circuit }) => circuit === 'service')
        assert.deepEqual(
          opened.map(({ at, to }) => `${at} ${to}`),
          [`${pattern.length - 1} open`],
        )
      })
    }
  }
}

describe('where nothing may be ejected', () => {
  const kept = { ejection: { maxPercent: 0 } }
  const [A, B] = list(2) as [string, string]

  test('one of two that fails opens nothing', () => {
    const result = inTurn(new Script(kept, [A, B]), [A, B], new Set([A]), 500, 100).run()
    assert.deepEqual([changes(result), result.ejected], [[], []])
  })

  test('an instance alone with the traffic is the service: nobody else answers', () => {
    const result = new Script(kept, [A, B]).tries(0, A, 500, 20).run()
    assert.deepEqual(changes(result), ['closed>open'])
  })

  test('nor when the windows were changed, and with it emptied, after another one has answered', () => {
    const script = new Script(kept, [A, B]).tries(0, B, 200).set(1, { window: { calls: 20 } })
    assert.deepEqual(changes(script.tries(2, A, 500, 40).run()), [])
  })

  test('one that is alone in the window is not the service while another one answers elsewhere', () => {
    const script = new Script({ ...kept, service: { window: { calls: 20 } } }, [A, B]).tries(0, B, 200)
    assert.deepEqual(changes(script.tries(1, A, 500, 40).run()), [])
  })

  test('nor while that one had more failures elsewhere, of many more calls', () => {
    const script = new Script({ ...kept, service: { window: { calls: 20 } } }, [A, B])
    for (let i = 0; i < 20; i += 1) script.tries(i, B, 500).tries(i, B, 200, 4)
    for (let i = 20; i < 60; i += 1) script.tries(i, A, 200).tries(i, A, 500)
    assert.deepEqual(changes(script.run()), [])
  })
})

test('one that Consul calls unhealthy gets no requests, so what it answered before is no other', () => {
  const [A, B] = list(2) as [string, string]
  const opens = (health: string, service = {}) => {
    const script = new Script({ service }, [A, B]).tries(0, B, 200, 20).health(1, { [B]: health })
    return changes(script.tries(2, A, 500, 20).run())
  }
  assert.deepEqual(
    [opens('unhealthy'), opens('unhealthy', { window: { calls: 20 } })],
    [['closed>open'], ['closed>open']],
  )
  assert.deepEqual([opens('degraded'), opens('degraded', { window: { calls: 20 } })], [[], []])
})

describe('a second one', () => {
  const three = list(3)
  const [A, B, C] = three as [string, string, string]

  test('that the cap keeps opens nothing while the third answers', () => {
    const script = new Script({ openSeconds: 600, backoff: { maxSeconds: 600 } }, three)
    inTurn(script, three, new Set([A]), 500, 10)
    for (let at = 1_000; at < 9_000; at += 20) call(call(script, at, B, 500), at, C, null)
    const result = script.run()
    assert.deepEqual([changes(result), result.ejected, result.final.overflow], [[], [A], 1])
  })

  test('and a third one open it', () => {
    const script = inTurn(new Script({}, three), three, new Set([A]), 500, 10)
    for (let at = 1_000; at < 2_000; at += 20) call(call(script, at, B, 500), at, C, 500)
    assert.deepEqual(changes(script.run()), ['closed>open'])
  })

  test('that is left alone by an ejection opens it: what it answered before is no other', () => {
    const script = inTurn(new Script({}, [A, B]), [A, B], new Set([A]), 500, 10)
    for (let at = 1_000; at < 2_000; at += 10) call(script, at, B, 500)
    assert.deepEqual(changes(script.run()), ['closed>open'])
  })

  test('opens it in a panic: too few are left to answer for it', () => {
    const wide = { ejection: { maxPercent: 100, minimumGap: 0 }, service: { failureRate: 50 } }
    const four = list(4)
    const script = inTurn(new Script(wide, four), four, new Set(four.slice(0, 3)), 500, 20)
    const result = script.run()
    assert.deepEqual([result.final.panic, changes(result)], [true, ['closed>open']])
  })
})

/** Settings of `ejection`; who is out at the end, panic, how many stayed for the cap, changes of the service circuit. */
const TWO_OF_THREE = [
  ['half of three is one: the other stays and fails', {}, [1], false, 1, []],
  [
    'two may go, and are too many: all are back, two of three requests fail',
    { maxPercent: 67 },
    [],
    true,
    0,
    ['closed>open'],
  ],
  ['two may go and one may serve alone', { maxPercent: 67, panicPercent: 33 }, [1, 2], false, 0, []],
  [
    'the one that answers is less than 34 %',
    { maxPercent: 67, panicPercent: 34 },
    [],
    true,
    0,
    ['closed>open'],
  ],
  ['no panic at all', { maxPercent: 67, panicPercent: 0 }, [1, 2], false, 0, []],
  ['one more than the cap allows', { maxPercent: 66, panicPercent: 0 }, [1], false, 1, []],
] as const

for (const [name, ejection, out, panic, overflow, opened] of TWO_OF_THREE) {
  test(`two of three fail, ${JSON.stringify(ejection)}: ${name}`, () => {
    const three = list(3)
    const bad = new Set(three.slice(0, 2))
    const before = inTurn(new Script({ ejection }, three), three, bad, 500, 20)
    const { ejected } = before.run()
    const inRotation = three.filter((each) => !ejected.includes(each))
    // What Kong sends on goes to those that are left.
    for (let at = 200; at < 9_000; at += 100) {
      for (const each of inRotation) call(before, at, each, bad.has(each) ? 500 : null)
    }
    const result = before.run()
    assert.deepEqual(
      [result.ejected, result.final.panic, result.final.overflow, changes(result)],
      [out.map((index) => three[index - 1]), panic, overflow, opened],
    )
  })
}

test('a bad URL that all instances fail alike opens it at the rate, whoever answered a little better', () => {
  const instances = list(3)
  const script = new Script({}, instances)
  for (let i = 0; i < 20; i += 1) call(script, i, instances[i % 3]!, i % 2 === 0 ? 500 : null)
  assert.deepEqual(changes(script.run()), ['closed>open'])
})

test('failures of an instance that is gone open nothing while others answer', () => {
  const [A, B] = list(2) as [string, string]
  const script = new Script({ consecutiveFailures: 0, service: { failureRate: 30 } }, [A, B])
  const late = Array.from({ length: 20 }, () => script.access(0))
  for (let at = 0; at < 30; at += 1) call(script, at, B, null)
  script.health(40, { [A]: 'absent' })
  call(script, 41, B, null)
  for (const id of late) script.outcome(50, id, { status: 500, tries: [{ instance: A, status: 500, ms: 1 }] })
  assert.deepEqual(changes(script.run()), [])
})

test('late timeouts of an ejected instance do not open the service, however many they are', () => {
  const instances = list(2)
  const [A, B] = instances as [string, string]
  const script = new Script({ service: { failureRate: 20 } }, instances)
  const hung = Array.from({ length: 100 }, (_, i) => script.access(i))
  for (let i = 0; i < 100; i += 1) call(script, 1_000 + i, B, null)
  for (const id of hung) {
    script.outcome(1_100, id, { status: 504, tries: [{ instance: A, status: 'timeout', ms: 1_000 }] })
  }
  const result = script.run()
  assert.deepEqual([changes(result), result.ejected], [[], [A]])
})

describe('failures in a row, where the service has that rule', () => {
  const row = { service: { consecutiveFailures: 5 } }
  const [A, B] = list(2) as [string, string]

  test('of one instance open nothing while another one answers', () => {
    const script = new Script(row, [A, B]).tries(0, B, 200, 3).tries(1, A, 500, 9)
    assert.deepEqual(changes(script.run()), [])
  })

  test('of two instances open it', () => {
    const script = new Script(row, [A, B]).tries(0, B, 200, 3).tries(1, A, 500, 4).tries(2, B, 500)
    assert.deepEqual(changes(script.run()), ['closed>open'])
  })

  test('of one instance open it where no other has answered', () => {
    assert.deepEqual(changes(new Script(row, [A, B]).tries(1, A, 500, 5).run()), ['closed>open'])
  })
})

describe('trials', () => {
  const [A, B] = list(2) as [string, string]
  const config = { openSeconds: 30, backoff: { jitter: 0 } }
  /** Both fail: the circuit opens, and A is out; their times end together. */
  const reopening = (more: object = {}) =>
    inTurn(new Script({ ...config, ...more }, [A, B]), [A, B], new Set([A, B]), 'timeout', 10)

  test('one that fails on an instance that goes out by it gives its permit back while another one answers', () => {
    const script = reopening()
    for (const each of [B, A, B, B]) call(script, 40_000, each, each === A ? 500 : null)
    const result = script.run()
    assert.deepEqual(changes(result), ['closed>open', 'open>half_open', 'half_open>closed'])
    assert.deepEqual(result.ejected, [A])
  })

  test('one that fails opens it again where nobody has answered yet, or the instance stays', () => {
    const first = call(reopening(), 40_000, A, 500).run()
    assert.deepEqual(changes(first).at(-1), 'half_open>open')
    const kept = reopening({ ejection: { maxPercent: 0 } })
    const stays = call(call(kept, 40_000, A, null), 40_000, B, 500).run()
    assert.deepEqual(changes(stays).at(-1), 'half_open>open')
  })
})

const kinds = fc.constantFrom(...(Object.keys(BAD).filter((key) => key !== '429') as Kind[]), 429 as Kind)
const windows = fc.constantFrom(
  { seconds: 10, buckets: 10 },
  { seconds: 60, buckets: 6 },
  { seconds: 1, buckets: 1 },
  { calls: 7 },
  { calls: 40 },
)

test('whatever the settings, one bad instance opens nothing while each of the others answers now and then', () => {
  const settings = fc.record({
    consecutiveFailures: fc.constantFrom(0, 2, 5),
    minimumCalls: fc.constantFrom(1, 5, 20, 40),
    failureRate: fc.constantFrom(20, 50, 80, 100),
    slowCall: fc.record({ thresholdMs: fc.constant(500), rate: fc.constantFrom(20, 50, 100) }),
    window: windows,
    openSeconds: fc.constantFrom(1, 5, 60),
    ejection: fc.record({
      maxPercent: fc.constantFrom(0, 10, 50, 100),
      panicPercent: fc.constantFrom(0, 50, 100),
      minimumGap: fc.constantFrom(0, 20),
    }),
    service: fc.record(
      {
        consecutiveFailures: fc.constantFrom(0, 5),
        minimumCalls: fc.constantFrom(1, 5, 20),
        failureRate: fc.constantFrom(20, 50),
        window: windows,
      },
      { requiredKeys: [] },
    ),
  })
  const traffic = fc.record({
    count: fc.constantFrom(2, 3, 10),
    kind: kinds,
    everyMs: fc.constantFrom(1, 20, 90),
    /** Calls of the bad instance for each round of the others. */
    share: fc.integer({ min: 1, max: 6 }),
    rounds: fc.integer({ min: 10, max: 60 }),
    /** Until it is out nothing more reaches it, or it goes on. */
    isHeeded: fc.boolean(),
  })
  fc.assert(
    fc.property(settings, traffic, (config, { count, kind, everyMs, share, rounds, isHeeded }) => {
      const instances = list(count)
      const [bad, ...good] = instances as [string, ...string[]]
      const script = new Script(config, instances)
      for (const each of good) call(script, 0, each, null)
      let at = 0
      for (let round = 0; round < rounds; round += 1) {
        for (let i = 0; i < share && (!isHeeded || round % 20 < 8); i += 1) {
          at += everyMs
          call(script, at, bad, kind)
        }
        for (const each of good) {
          at += everyMs
          call(script, at, each, null)
        }
      }
      assert.deepEqual(changes(script.run()), [])
    }),
    { numRuns: 300 },
  )
})

const counts = fc.tuple(fc.nat(30), fc.nat(100), fc.nat(100)).map(([calls, failed, slow]) => ({
  calls,
  failed: Math.floor((calls * failed) / 100),
  slow: Math.floor((calls * slow) / 100),
}))
const shares = fc.array(
  fc.tuple(counts, fc.boolean()).map(([of, isOut]): Share => ({ ...of, isOut, isRow: false })),
  { maxLength: 5 },
)
const plus = (left: Calls, right: Calls): Calls => ({
  calls: left.calls + right.calls,
  failed: left.failed + right.failed,
  slow: left.slow + right.slow,
})

test('only rules that are reached hold of all, and all of them do where each instance reaches them', () => {
  const { service: rules } = compileSettings({ slowCall: SLOW_CALL })
  const none = { calls: 0, failed: 0, slow: 0 }
  fc.assert(
    fc.property(
      shares,
      counts,
      fc.integer({ min: 0, max: 7 }),
      fc.constantFrom(0, 20),
      (list, rest, reached, gap) => {
        const whole = list.reduce<Calls>(plus, rest)
        const own = rulesOfAll(reached, rules, whole, list, none, gap)
        assert.equal(own & ~reached, 0)
        const reaches = ({ calls, failed, slow }: Calls) => 2 * failed >= calls && 2 * slow >= calls
        if ([...list, rest].every(reaches)) assert.equal(own, reached)
        if (list.every(({ isOut, calls }) => isOut || calls === 0)) assert.equal(own, reached)
        assert.equal(own & CONSECUTIVE, reached & CONSECUTIVE)
      },
    ),
  )
  const good: Share = { calls: 10, failed: 0, slow: 0, isOut: false, isRow: false }
  const bad: Share = { calls: 10, failed: 10, slow: 10, isOut: false, isRow: false }
  const both = FAILURE_RATE | SLOW_RATE
  assert.equal(rulesOfAll(both, rules, plus(good, bad), [good, bad], none, 20), 0)
  assert.equal(rulesOfAll(both, rules, plus(bad, bad), [bad, bad], none, 20), both)
})

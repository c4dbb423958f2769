// Many circuits in one process: keys, bounds, listeners, tokens. Names begin with the number of the acceptance case.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Breaker, type BreakerOptions } from '../../../plugins/breaker/breaker.ts'
import { describeCircuit } from '../../../plugins/breaker/describe-circuit.ts'
import { monotonicStart } from '../../../plugins/breaker/monotonic-start.ts'
import type { Outcome } from '../../../plugins/breaker/outcome.ts'
import { compileSettings } from '../../../plugins/breaker/settings.ts'
import type { BreakerDocument } from '../../../plugins/breaker/settings-shape.ts'
import type { Transition } from '../../../plugins/breaker/transition.ts'

const settings = (more: BreakerDocument = {}) =>
  compileSettings({
    openSeconds: 30,
    backoff: { jitter: 0 },
    ejection: { minimumGap: 0 },
    halfOpen: { trials: 1 },
    service: { consecutiveFailures: 2 },
    ...more,
  })

function breaker(options: Partial<BreakerOptions> = {}) {
  const transitions: Transition[] = []
  const marks: string[] = []
  const made = new Breaker({
    random: () => 0,
    onTransition: (each) => transitions.push(each),
    onRotation: (upstream, instance, isIn) => marks.push(`${upstream}/${instance} ${isIn ? 'in' : 'out'}`),
    ...options,
  })
  return { made, transitions, marks }
}

const outcome = (service: string, startedAtMs: number, more: Partial<Outcome> = {}): Outcome => ({
  service,
  startedAtMs,
  status: 200,
  source: 'upstream',
  durationMs: 1,
  ttfbMs: 1,
  grpcStatus: null,
  tries: null,
  ...more,
})

const fail = (made: Breaker, nowMs: number, service: string, times = 2) => {
  for (let i = 0; i < times; i += 1) made.report(nowMs, outcome(service, nowMs, { status: 503 }))
}

test('circuits of different services know nothing of each other', () => {
  const { made } = breaker()
  made.setConfig(0, 'web', settings())
  made.setConfig(0, 'api', settings())
  fail(made, 0, 'web')
  assert.equal(made.decide(1, 'web'), 30)
  assert.equal(made.decide(1, 'api'), 0)
})

test('F11: one address in two upstreams is two instances', () => {
  const { made, transitions, marks } = breaker()
  const instances = new Map([
    ['10.0.0.1:80', 'healthy'],
    ['10.0.0.2:80', 'healthy'],
  ] as const)
  for (const service of ['web', 'api']) {
    made.setConfig(0, service, settings({ service: { consecutiveFailures: 0 } }), `${service}.mesh`)
    made.setHealth(0, `${service}.mesh`, instances)
  }
  const tries = [{ instance: '10.0.0.1:80', status: 503, ms: 1 }]
  for (let i = 0; i < 5; i += 1) made.report(i, outcome('web', i, { status: 503, tries }))
  assert.deepEqual(marks, ['web.mesh/10.0.0.1:80 out'])
  assert.deepEqual(
    transitions.map(({ key, instance, to }) => [key, instance, to]),
    [['web.mesh', '10.0.0.1:80', 'ejected']],
  )
  made.decide(30_004, 'web')
  assert.deepEqual(marks.at(-1), 'web.mesh/10.0.0.1:80 in')
})

test('G9: routes with circuits of their own share the instances of their upstream', () => {
  const { made } = breaker()
  for (const route of ['route-a', 'route-b']) made.setConfig(0, route, settings(), 'web.mesh')
  fail(made, 0, 'route-a')
  assert.deepEqual([made.decide(1, 'route-a'), made.decide(1, 'route-b')], [30, 0])
  assert.equal(made.circuit('route-a')!.group, made.circuit('route-b')!.group)
})

test('G10: a key without settings is let through and leaves nothing behind', () => {
  const { made } = breaker()
  for (let i = 0; i < 10_000; i += 1) {
    assert.equal(made.decide(i, `/user/${i}`), 0)
    fail(made, i, `/user/${i}`)
  }
  assert.deepEqual([made.records.size, [...made.circuits()].length], [0, 0])
})

describe('the bound on what is remembered', () => {
  const filled = (most: number, services: number) => {
    const all = breaker({ maxRecords: most })
    for (let i = 0; i < services; i += 1) all.made.setConfig(0, `s${i}`, settings())
    return all
  }

  test('holds, and those idle longest are forgotten first', () => {
    const { made } = filled(32, 40)
    for (let i = 0; i < 40; i += 1) {
      fail(made, i, `s${i}`, 1)
      assert.ok(made.records.size <= 32)
    }
    const kept = [...made.circuits()].filter(({ window }) => window !== null).map(({ key }) => key)
    assert.deepEqual(
      kept,
      Array.from({ length: 32 }, (_, i) => `s${i + 8}`),
    )
  })

  test('never forgets an opening before its deadline, however idle', () => {
    const { made } = filled(4, 50)
    fail(made, 0, 's0')
    for (let i = 1; i < 50; i += 1) fail(made, i, `s${i}`, 1)
    assert.equal(made.decide(29_999, 's0'), 1)
    for (let i = 1; i < 50; i += 1) fail(made, 30_000, `s${i}`, 1)
    assert.equal(made.circuit('s0')!.state, 'closed')
  })

  test('forgets a half-open circuit whose trials have all reported', () => {
    const { made } = filled(4, 50)
    fail(made, 0, 's0')
    assert.equal(made.decide(30_000, 's0'), 0)
    made.report(30_001, outcome('s0', 30_000, { status: 499, source: 'client_abort' }))
    assert.equal(made.circuit('s0')!.state, 'half_open')
    for (let i = 1; i < 50; i += 1) fail(made, 30_002 + i * 1_000, `s${i}`, 1)
    assert.equal(made.circuit('s0')!.state, 'closed')
  })

  test('leaves a circuit closed and uncounted where only openings are left', () => {
    const { made } = filled(2, 3)
    for (const key of ['s0', 's1', 's2']) fail(made, 0, key)
    assert.equal(made.decide(1, 's2'), 0)
    assert.deepEqual(made.records, { size: 2, forgotten: 0, refused: 2 })
  })

  test('a removed service gives its room back', () => {
    const { made } = filled(2, 2)
    fail(made, 0, 's0', 1)
    made.remove('s0')
    assert.deepEqual([made.records.size, made.has('s0')], [0, false])
  })

  test('counters of a forgotten circuit are zero for the next one', () => {
    const { made } = filled(1, 2)
    fail(made, 0, 's0', 1)
    made.report(1, outcome('s1', 1))
    const { window } = describeCircuit(made.circuit('s1')!, 1)
    assert.deepEqual(window, { total: 1, failed: 0, slow: 0 })
  })
})

test('I12: a listener that throws changes nothing', () => {
  const { made } = breaker({
    onTransition: () => {
      throw new Error('broken listener')
    },
  })
  made.setConfig(0, 'web', settings())
  fail(made, 0, 'web')
  assert.equal(made.decide(1, 'web'), 30)
  assert.equal(made.decide(30_000, 'web'), 0)
  made.report(30_001, outcome('web', 30_000))
  assert.deepEqual([made.decide(30_002, 'web'), made.callbackErrors], [0, 3])
})

test('E4: a generation of another process is no generation of this one', () => {
  const before = breaker({ firstGeneration: 1_000 }).made
  const after = breaker({ firstGeneration: 9_000 }).made
  for (const each of [before, after]) each.setConfig(0, 'web', settings())
  const generation = before.generationOf('web')
  for (let i = 0; i < 9; i += 1) after.report(0, outcome('web', 0, { status: 503, generation }))
  assert.equal(after.decide(1, 'web'), 0)
})

describe('reports without a generation', () => {
  const opened = () => {
    const all = breaker()
    all.made.setConfig(0, 'web', settings())
    fail(all.made, 1_000, 'web')
    return all
  }

  test('L7: of calls that started before the opening decide no trial', () => {
    const { made } = opened()
    made.decide(31_000, 'web')
    made.report(31_001, outcome('web', 1_000))
    assert.equal(made.circuit('web')!.state, 'half_open')
  })

  test('L7: a trial decides though its request started before it was admitted', () => {
    const { made } = opened()
    made.decide(31_000, 'web')
    made.report(31_002, outcome('web', 30_999))
    assert.equal(made.circuit('web')!.state, 'closed')
  })

  test('L7: a lost trial does not decide for the one that took its place', () => {
    const { made } = opened()
    made.decide(31_000, 'web')
    made.decide(41_000, 'web')
    made.report(41_001, outcome('web', 31_000, { status: 503 }))
    assert.equal(made.circuit('web')!.state, 'half_open')
    made.report(41_002, outcome('web', 40_999))
    assert.equal(made.circuit('web')!.state, 'closed')
  })

  test('a trial that reports twice decides once', () => {
    const { made } = breaker()
    made.setConfig(0, 'web', settings({ halfOpen: { trials: 2, requiredSuccesses: 2 } }))
    fail(made, 1_000, 'web')
    made.decide(31_000, 'web')
    made.report(31_001, outcome('web', 31_000))
    made.report(31_001, outcome('web', 31_000))
    assert.deepEqual([made.circuit('web')!.state, made.circuit('web')!.permits], ['half_open', 1])
  })

  test('count after the wall clock was set back: the start is taken from the duration', () => {
    assert.equal(monotonicStart(50_000, 1_000_000, 999_000, 900), 49_000)
    assert.equal(monotonicStart(50_000, 1_000_000, 4_600_000, 900), 49_100)
    assert.equal(monotonicStart(50_000, 4_600_000, 999_000, 900), 49_100)
  })
})

test('a clock that steps back neither throws nor ends nor lengthens anything', () => {
  const { made } = breaker()
  made.setConfig(0, 'web', settings())
  made.report(1_000_000, outcome('web', 1_000_000))
  fail(made, 5_000, 'web')
  assert.equal(made.circuit('web')!.state, 'open')
  assert.equal(made.decide(34_999, 'web'), 1)
  assert.equal(made.decide(1_000, 'web'), 34)
  assert.equal(made.decide(35_000, 'web'), 0)
})

test('an upstream that no service uses any more is forgotten with its instances', () => {
  const { made } = breaker()
  made.setConfig(0, 'web', settings(), 'old.mesh')
  made.setHealth(0, 'old.mesh', new Map([['10.0.0.1:80', 'healthy']]))
  made.report(0, outcome('web', 0, { tries: [{ instance: '10.0.0.1:80', status: 200, ms: 1 }] }))
  assert.equal(made.records.size, 2)
  made.setConfig(1, 'web', settings(), 'new.mesh')
  assert.deepEqual([made.records.size, made.circuit('web')!.group.upstream], [1, 'new.mesh'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Breaker } from '../../../plugins/breaker/breaker.ts'
import type { Health } from '../../../plugins/breaker/instance-circuit.ts'
import { compileSettings } from '../../../plugins/breaker/settings.ts'
import type { Transition } from '../../../plugins/breaker/transition.ts'
import { NaiveCircuit } from './naive-circuit.ts'

const KINDS = ['ok', 'fail', 'busy', 'ignored'] as const
const STATUS = { ok: 200, fail: 500, busy: 429, ignored: 499 }

const rules = fc.record({
  consecutive: fc.integer({ min: 1, max: 5 }),
  window: fc.oneof(
    fc.record({ calls: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ seconds: fc.integer({ min: 1, max: 4 }), buckets: fc.constantFrom(1, 2, 4) }),
  ),
  minimumCalls: fc.integer({ min: 2, max: 10 }),
  failureRate: fc.integer({ min: 30, max: 100 }),
  slowRate: fc.integer({ min: 60, max: 100 }),
  openSeconds: fc.integer({ min: 1, max: 5 }),
  factor: fc.constantFrom(1, 2, 3),
  maxSeconds: fc.integer({ min: 1, max: 30 }),
  trials: fc.integer({ min: 1, max: 4 }),
  required: fc.integer({ min: 1, max: 6 }),
  limitSeconds: fc.integer({ min: 1, max: 4 }),
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('access' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      which: fc.nat(),
      kind: fc.constantFrom(...KINDS, 'ok', 'ok', 'fail'),
      isSlow: fc.constantFrom(false, false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.oneof(
        fc.integer({ min: 0, max: 1_500 }),
        fc.integer({ min: -2_000, max: 0 }),
        fc.constantFrom(1_000, 2_000, 4_000, 30_000, 3_600_000),
      ),
    }),
  },
)

type Program = [
  typeof rules extends fc.Arbitrary<infer R> ? R : never,
  (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
]

/** The trial admitted first is then not the oldest. */
const CLOCK_SET_BACK_BETWEEN_TRIALS: Program = [
  {
    consecutive: 1,
    window: { seconds: 1, buckets: 1 },
    minimumCalls: 2,
    failureRate: 30,
    slowRate: 60,
    openSeconds: 1,
    factor: 1,
    maxSeconds: 1,
    trials: 2,
    required: 1,
    limitSeconds: 1,
  },
  [
    { do: 'access' },
    { do: 'report', which: 0, kind: 'fail', isSlow: false },
    { do: 'wait', ms: 1_000 },
    { do: 'access' },
    { do: 'wait', ms: -1 },
    { do: 'access' },
    { do: 'wait', ms: 1_000 },
    { do: 'access' },
  ],
]

/** The trial admitted second reports: the first one goes on, with its own limit. */
const CLOCK_SET_BACK_AND_SECOND_TRIAL_REPORTS: Program = [
  { ...CLOCK_SET_BACK_BETWEEN_TRIALS[0], limitSeconds: 4 },
  [
    { do: 'access' },
    { do: 'report', which: 0, kind: 'fail', isSlow: false },
    { do: 'wait', ms: 1_000 },
    { do: 'access' },
    { do: 'wait', ms: -1 },
    { do: 'access' },
    { do: 'wait', ms: 4_000 },
    { do: 'report', which: 1, kind: 'ignored', isSlow: false },
    { do: 'access' },
    { do: 'report', which: 0, kind: 'ok', isSlow: false },
  ],
]

test('a service circuit does what a naive model does, with clocks that step either way', () => {
  fc.assert(
    fc.property(rules, fc.array(step, { minLength: 1, maxLength: 150, size: 'max' }), (r, steps) => {
      const transitions: Transition[] = []
      const breaker = new Breaker({ random: () => 0.5, onTransition: (each) => transitions.push(each) })
      const settings = compileSettings({
        openSeconds: r.openSeconds,
        backoff: { factor: r.factor, maxSeconds: r.maxSeconds, jitter: 0 },
        halfOpen: { trials: r.trials, requiredSuccesses: r.required, limitSeconds: r.limitSeconds },
        service: {
          consecutiveFailures: r.consecutive,
          window: r.window,
          minimumCalls: r.minimumCalls,
          failureRate: r.failureRate,
          slowCall: { thresholdMs: 100, rate: r.slowRate },
        },
      })
      breaker.setConfig(0, 'web', settings)
      const windowCalls = 'calls' in r.window ? r.window.calls : 0
      const buckets = 'buckets' in r.window ? r.window.buckets : 1
      const model = new NaiveCircuit({
        consecutive: r.consecutive,
        windowCalls,
        buckets,
        bucketMs: 'seconds' in r.window ? (r.window.seconds * 1_000) / buckets : 0,
        minimumCalls: windowCalls > 0 ? Math.min(windowCalls, r.minimumCalls) : r.minimumCalls,
        failureRate: r.failureRate,
        slowRate: r.slowRate,
        openMs: r.openSeconds * 1_000,
        factor: r.factor,
        maxMs: r.maxSeconds * 1_000,
        trials: r.trials,
        required: Math.min(r.trials, r.required),
        limitMs: r.limitSeconds * 1_000,
      })
      const circuit = breaker.circuit('web')!
      const calls: { id: number; atMs: number; generation: number }[] = []
      let now = 100_000
      for (const [index, each] of steps.entries()) {
        const before = circuit.window === null ? 0 : circuit.window.calls
        if (each.do === 'wait') now += each.ms
        else if (each.do === 'access') {
          const retryAfter = breaker.decide(now, 'web')
          assert.equal(retryAfter === 0, model.decide(now, index))
          assert.ok(Number.isInteger(retryAfter) && retryAfter >= 0)
          if (retryAfter === 0) calls.push({ id: index, atMs: now, generation: circuit.generation })
          if (retryAfter > 0) assert.equal(circuit.window?.calls ?? 0, before)
        } else if (calls.length > 0) {
          const [call] = calls.splice(each.which % calls.length, 1)
          breaker.report(now, {
            service: 'web',
            startedAtMs: call!.atMs,
            generation: call!.generation,
            status: STATUS[each.kind],
            source: 'upstream',
            durationMs: 1,
            ttfbMs: each.isSlow ? 101 : 100,
            grpcStatus: null,
            tries: null,
          })
          model.report(now, call!.id, each.kind, each.isSlow)
        }
        circuit.window?.advance(now)
        const { calls: total = 0, failed = 0, slow = 0 } = circuit.window ?? {}
        assert.equal(circuit.state, model.state)
        assert.equal(circuit.permits, model.permits)
        assert.ok((circuit.permits ?? 0) >= 0)
        if (model.state === 'closed') {
          assert.deepEqual({ calls: total, failed, slow }, model.counts(now))
          assert.equal(circuit.consecutive, model.consecutive)
        }
      }
      assert.deepEqual(
        transitions.map(({ from, to }) => `${from}>${to}`),
        model.changes,
      )
    }),
    { numRuns: 1_000, examples: [CLOCK_SET_BACK_BETWEEN_TRIALS, CLOCK_SET_BACK_AND_SECOND_TRIAL_REPORTS] },
  )
})

const HEALTHS: readonly Health[] = ['healthy', 'healthy', 'healthy', 'degraded', 'unhealthy']
const ALL = Array.from({ length: 4 }, (_, index) => `10.0.0.${index}:80`)

const instanceStep = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('try' as const),
      instance: fc.constantFrom(...ALL),
      status: fc.constantFrom(200, 500, 429, 'timeout' as const, 'timeout' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('health' as const),
      listed: fc.array(fc.tuple(fc.constantFrom(...ALL), fc.constantFrom(...HEALTHS)), { maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 900, 2_000, 400_000) }),
  },
)

test('instances: cap, minimum and panic hold after every step, and every mark is told once', () => {
  const ejection = fc.record({
    maxPercent: fc.constantFrom(0, 10, 34, 50, 67, 100),
    panicPercent: fc.constantFrom(0, 30, 50, 80),
    minimumHealthy: fc.integer({ min: 0, max: 3 }),
    minimumGap: fc.constantFrom(0, 20),
  })
  fc.assert(
    fc.property(
      ejection,
      fc.array(instanceStep, { minLength: 1, maxLength: 150, size: 'max' }),
      (limits, steps) => {
        const isIn = new Map<string, boolean>()
        const states = new Map<string, string>()
        let ejections = 0
        const breaker = new Breaker({
          random: () => 0,
          onTransition: ({ instance, from, to }) => {
            if (instance === null) return
            assert.equal(states.get(instance) ?? 'closed', from)
            assert.notEqual(from, to)
            states.set(instance, to)
            if (to === 'ejected') {
              ejections += 1
              assertRoom()
            }
          },
          onRotation: (_, instance, back) => {
            assert.equal(isIn.get(instance) ?? true, !back)
            isIn.set(instance, back)
          },
        })
        const settings = compileSettings({
          consecutiveFailures: 2,
          openSeconds: 1,
          minimumCalls: 5,
          ejection: limits,
          service: { consecutiveFailures: 0, failureRate: 0 },
        })
        breaker.setConfig(0, 'web', settings)
        const { group } = breaker.circuit('web')!
        const members = () => [...group.members.values()]
        const assertRoom = () => {
          const ejected = members().filter(({ state }) => state === 'ejected')
          assert.ok(ejected.length * 100 <= limits.maxPercent * members().length)
          const healthy = members().filter(({ health }) => health === 'healthy')
          const serving =
            healthy.length > 0 ? healthy : members().filter(({ health }) => health === 'degraded')
          assert.ok(serving.filter(({ state }) => state !== 'ejected').length >= limits.minimumHealthy)
        }
        let now = 0
        let listed = new Map<string, Health>(ALL.map((each) => [each, 'healthy']))
        breaker.setHealth(now, 'web', listed)
        for (const each of steps) {
          if (each.do === 'wait') now += each.ms
          else if (each.do === 'health') {
            for (const key of listed.keys())
              if (!each.listed.some(([other]) => other === key)) states.delete(key)
            listed = new Map(each.listed)
            // Verdicts and marks outlive the listing, so what was told stays told.
            const known = new Map(members().map(({ key, state }) => [key, state]))
            const sentenced = members()
              .filter(({ state, deadlineMs }) => state === 'ejected' && now < deadlineMs)
              .map((member) => ({ member, isSilent: member.isSilent, before: member.health }))
            breaker.setHealth(now, 'web', listed)
            for (const { key, state } of members()) if (!known.has(key)) states.set(key, state)
            // Before its end an ejection is over only for one that was silent, was critical, and is that no more.
            for (const { member, isSilent, before } of sentenced) {
              const passes = listed.has(member.key) && listed.get(member.key) !== 'unhealthy'
              const isOver = isSilent && before === 'unhealthy' && passes
              assert.equal(member.state, isOver ? 'probing' : 'ejected')
            }
            for (const { key, isOut } of members()) if (!known.has(key)) isIn.set(key, !isOut)
          } else {
            const refused = breaker.decide(now, 'web')
            assert.equal(refused > 0, group.emptyUntilMs > 0)
            breaker.report(now, {
              service: 'web',
              startedAtMs: now,
              status: 200,
              source: 'upstream',
              durationMs: 1,
              ttfbMs: 1,
              grpcStatus: null,
              tries: [{ instance: each.instance, status: each.status, ms: 1 }],
            })
          }
          const available = members().filter(({ health }) => health !== 'unhealthy')
          for (const member of members()) {
            assert.equal(member.isOut, member.state === 'ejected' && !group.isPanicking)
            if (member.state === 'ejected' && each.do === 'try') assert.ok(now < member.deadlineMs)
          }
          assert.equal(group.emptyUntilMs > 0, available.length > 0 && available.every(({ isOut }) => isOut))
          if (group.isPanicking) assert.ok(members().every(({ isOut }) => !isOut))
          if (limits.maxPercent === 0) assert.equal(ejections, 0)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a scenario of any outcomes is played without an exception', async () => {
  const { simulateBreaker } = await import('../../../operator/cli/simulate-breaker.ts')
  const odd = fc.oneof(
    fc.constant(null),
    fc.integer({ min: -2, max: 700 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  )
  const events = fc.array(
    fc.oneof(
      fc.record({ at: fc.constant(0), access: fc.constantFrom('a', 'b', 'c') }),
      fc.record({
        at: fc.constant(0),
        outcome: fc.record(
          {
            id: fc.constantFrom('a', 'b', 'c', 'd'),
            started_at: odd,
            status: odd,
            source: fc.constantFrom('upstream', 'exit', 'client_abort'),
            duration_ms: odd,
            ttfb_ms: odd,
            grpc_status: odd,
            tries: fc.array(fc.record({ instance: fc.constantFrom('x:1', 'y:1'), status: odd, ms: odd })),
          },
          { requiredKeys: ['id'] },
        ),
      }),
      fc.record({ at: fc.constant(0), set: fc.record({ mode: fc.constantFrom('auto', 'disabled') }) }),
    ),
  )
  fc.assert(
    fc.property(events, (list) => {
      const { decisions } = simulateBreaker({ instances: ['x:1', 'y:1'], events: list })
      assert.equal(decisions.length, list.filter((each) => 'access' in each).length)
    }),
    { numRuns: 300 },
  )
})

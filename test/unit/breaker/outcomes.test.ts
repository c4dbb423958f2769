// What counts as a failure, for the service and for each instance. Names begin with the number of the acceptance case.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changes, isLastAdmitted, Script, stateAfter } from './script.ts'

const A = '10.0.0.1:80'
const B = '10.0.0.2:80'
const C = '10.0.0.3:80'

const strict = (more = {}) =>
  new Script({ openSeconds: 10, backoff: { jitter: 0 }, service: { consecutiveFailures: 5 }, ...more })
const countsOf = (fields: object) => {
  const { final } = new Script({ mode: 'metrics_only' }, [A, B, C]).calls(0, 1, { ...fields }).run()
  return { total: final.window.total, failed: final.window.failed, consecutive: final.consecutive }
}
const FAILED = { total: 1, failed: 1, consecutive: 1 }
const GOOD = { total: 1, failed: 0, consecutive: 0 }
const RATE_ONLY = { total: 1, failed: 1, consecutive: 0 }
const IGNORED = { total: 0, failed: 0, consecutive: 0 }

describe('one outcome for the service', () => {
  const one = (instance: string, status: number | string, ms = 1) => ({ instance, status, ms })
  const cases: [string, object, object][] = [
    ...[500, 502, 503, 504].map((status): [string, object, object] => [
      `B1: ${status} is a failure`,
      { status },
      FAILED,
    ]),
    ['B3: 429 counts in the rate alone', { status: 429 }, RATE_ONLY],
    ['B5: 501 is a failure by default', { status: 501 }, FAILED],
    ['B5: 505 is a failure by default', { status: 505 }, FAILED],
    ['other 4xx are good', { status: 404 }, GOOD],
    ['499 is ignored', { status: 499 }, IGNORED],
    ['a client that went away is ignored', { status: 200, source: 'client_abort' }, IGNORED],
    ['B9: what another plugin answered is ignored', { status: 401, source: 'exit', tries: [] }, IGNORED],
    ['B9: a 5xx of another plugin is ignored', { status: 503, source: 'exit', tries: [] }, IGNORED],
    ['503 without any try is Kong having no peer', { status: 503, tries: [] }, IGNORED],
    ['B11: tries written as {} are no tries', { status: 503, tries: {} }, IGNORED],
    ['B11: a good call with tries written as {} is good', { status: 200, tries: {} }, GOOD],
    ['a 503 whose tries nobody told is a failure', { status: 503 }, FAILED],
    ...[4, 13, 14, 15].map((grpc_status): [string, object, object] => [
      `B12: gRPC ${grpc_status} is a failure`,
      { grpc_status },
      FAILED,
    ]),
    ['B12: gRPC 8 counts in the rate alone', { grpc_status: 8 }, RATE_ONLY],
    ['B12: gRPC 5 is good', { grpc_status: 5 }, GOOD],
    ['B12: gRPC 3 is good', { grpc_status: 3 }, GOOD],
    ['B13: gRPC 7 is good', { grpc_status: 7 }, GOOD],
    ['gRPC 0 is good', { grpc_status: 0 }, GOOD],
    ['a connect error is a failure', { status: 502, tries: [one(A, 'connect_error')] }, FAILED],
    ['a timeout is a failure', { status: 504, tries: [one(A, 'timeout')] }, FAILED],
    [
      'no status, and the last try timed out: a failure',
      { status: null, tries: [one(A, 'timeout')] },
      FAILED,
    ],
    [
      'G1: a call that a retry saved is good',
      { status: 200, tries: [one(A, 'connect_error'), one(B, 'timeout'), one(C, 200)] },
      GOOD,
    ],
  ]
  for (const [name, fields, expected] of cases) {
    test(name, () => assert.deepEqual(countsOf(fields), expected))
  }

  test('B3: a hundred 429 are no failures in a row', () => {
    assert.equal(stateAfter(strict({ failureRate: 0 }).calls(0, 100, { status: 429 })), 'closed')
  })

  test('B3: a 429 neither lengthens nor ends a row', () => {
    const script = strict({ failureRate: 0 }).fail(0, 4).calls(1, 1, { status: 429 })
    assert.equal(stateAfter(script), 'closed')
    assert.equal(stateAfter(script.fail(2)), 'open')
  })

  test('B5: statuses left out of the list are good, connect errors never', () => {
    const script = strict({ failureStatuses: [500, '502-504'], failureRate: 0 })
    const { final } = script.calls(0, 9, { status: 501 }).calls(1, 9, { status: 505 }).run()
    assert.deepEqual([final.state, final.window.failed], ['closed', 0])
    const refused = strict({ failureStatuses: [503] }).tries(0, A, 'connect_error', 5)
    assert.equal(stateAfter(refused), 'open')
  })

  test('B5: 429 in the list is a full failure', () => {
    assert.equal(stateAfter(strict({ failureStatuses: ['429'] }).calls(0, 5, { status: 429 })), 'open')
  })

  test('B8: outcomes of refused calls count in no state', () => {
    const script = strict().fail(0, 5)
    const refused = script.access(1)
    const early = script.access(2)
    script.access(10_000, 'trial')
    script.outcome(10_001, refused, { status: 503, source: 'exit' }).outcome(10_001, early, { status: 503 })
    script.outcome(10_002, 'trial')
    const result = script.ok(10_003, 2).outcome(10_004, refused, { status: 503 }).run()
    assert.deepEqual(changes(result), ['closed>open', 'open>half_open', 'half_open>closed'])
    assert.equal(result.final.window.total, 0)
  })
})

describe('tries for their instances', () => {
  const windows = (script: Script) =>
    Object.values(script.run().final.instances).map(({ window }) => [window.total, window.failed])

  test('G1: each try is charged to its instance', () => {
    const script = new Script({}, [A, B, C]).calls(0, 1, {
      status: 200,
      tries: [
        { instance: A, status: 'connect_error', ms: 1 },
        { instance: B, status: 'timeout', ms: 9 },
        { instance: C, status: 200, ms: 3 },
      ],
    })
    assert.deepEqual(windows(script), [[1, 1], [1, 1], [1, 0]]) // biome-ignore format: one row per instance
  })

  test('G2: the last try without a status has that of the call, an earlier one failed', () => {
    const script = new Script({}, [A, B, C]).calls(0, 1, {
      status: 500,
      tries: [{ instance: A }, { instance: B }],
    })
    assert.deepEqual(windows(script), [[1, 1], [1, 1], [0, 0]]) // biome-ignore format: one row per instance
  })

  test('a try on an instance that nobody listed counts for the service alone', () => {
    const { final } = new Script({}, [A]).tries(0, '10.9.9.9:80', 503).run()
    assert.deepEqual([final.window.failed, Object.keys(final.instances)], [1, [A]])
  })

  test('a gRPC failure is charged to the instance that answered', () => {
    const script = new Script({}, [A]).tries(0, A, 200, 1, { grpc_status: 14 })
    assert.deepEqual(windows(script), [[1, 1]])
  })

  const aborted = (ms: number, fields: object, config = {}) => {
    const script = new Script(config, [A, B])
    return script.calls(0, 5, {
      status: 499,
      source: 'client_abort',
      ttfb_ms: -1,
      tries: [{ instance: A, status: 499, ms }],
      ...fields,
    })
  }

  test('silence until the client gave up is a failure of the instance, never of the service', () => {
    const result = aborted(500, {}).run()
    assert.deepEqual(result.ejected, [A])
    assert.equal(result.final.window.total, 0)
  })

  test('an abort before the instance was silent for long is nobody’s failure', () => {
    assert.deepEqual(windows(aborted(499, {})), [[0, 0], [0, 0]]) // biome-ignore format: one row per instance
  })

  test('an abort after the first byte is nobody’s failure', () => {
    assert.deepEqual(windows(aborted(30_000, { ttfb_ms: 20 })), [[0, 0], [0, 0]]) // biome-ignore format: one row per instance
  })

  test('abortedAfterMs sets how long, 0 turns it off', () => {
    assert.deepEqual(aborted(2_000, {}, { abortedAfterMs: 2_001 }).run().ejected, [])
    assert.deepEqual(aborted(2_001, {}, { abortedAfterMs: 2_001 }).run().ejected, [A])
    assert.deepEqual(aborted(60_000, {}, { abortedAfterMs: 0 }).run().ejected, [])
  })

  test('silence is that of the whole call where the try has no time', () => {
    const tries = [{ instance: A, status: null }]
    assert.deepEqual(aborted(0, { tries, duration_ms: 800 }).run().ejected, [A])
  })
})

describe('trials', () => {
  const open = (more = {}) => strict({ halfOpen: { trials: 1 }, ...more }).fail(0, 5)

  test('B4: a trial that is answered 429 failed', () => {
    const result = open().calls(10_000, 1, { status: 429 }).run()
    assert.deepEqual(changes(result), ['closed>open', 'open>half_open', 'half_open>open'])
  })

  test('a trial that is answered gRPC 8 failed', () => {
    assert.equal(stateAfter(open().calls(10_000, 1, { grpc_status: 8 })), 'open')
  })

  test('B7: an ignored trial gives its permit back', () => {
    const script = open().calls(10_000, 1, { status: 499, source: 'client_abort' })
    script.access(10_001)
    const result = script.run()
    assert.deepEqual([isLastAdmitted(result), result.final.state], [true, 'half_open'])
  })

  test('D10: a slow trial failed', () => {
    const script = open({ slowCall: { thresholdMs: 100 } }).ok(10_000, 1, { ttfb_ms: 101 })
    assert.equal(stateAfter(script), 'open')
  })

  test('a trial is not slow where the rule for slow calls is off by its rate', () => {
    const script = open({ slowCall: { thresholdMs: 100, rate: 0 } }).ok(10_000, 1, { ttfb_ms: 101 })
    assert.equal(stateAfter(script), 'closed')
  })
})

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { circuitSnapshot } from '../../../plugins/agent/circuit-snapshot.ts'
import { Breaker } from '../../../plugins/breaker/breaker.ts'
import { compileSettings } from '../../../plugins/breaker/settings.ts'

const TIMES = { nowMs: 1_000, wallNowMs: 1_000_000 }
const NO_HISTORY = { of: () => undefined }

function breakerOf(...services: readonly string[]): Breaker {
  const breaker = new Breaker({ random: () => 0 })
  for (const service of services) {
    breaker.setConfig(0, service, compileSettings({ openSeconds: 30 }), 'web.mesh')
    breaker.setHealth(0, 'web.mesh', new Map(['a:1', 'b:1', 'c:1'].map((each) => [each, 'healthy'] as const)))
  }
  return breaker
}
const fail = (breaker: Breaker, service: string, times: number) => {
  const tries = [{ instance: 'a:1', status: 'timeout', ms: 1 }] as const
  for (let i = 0; i < times; i++) {
    const outcome = {
      service,
      startedAtMs: 1_000,
      status: 504,
      source: 'upstream',
      tries,
      ttfbMs: null,
    } as const
    breaker.report(1_000, { ...outcome, durationMs: 1, grpcStatus: null })
  }
}

test('instances are told of when something happened to them, with their end as wall clock', () => {
  const breaker = breakerOf('s1')
  fail(breaker, 's1', 5)
  const history = { of: (key: string) => (key === 'web.mesh' ? { sinceMs: 7, reason: 'bad' } : undefined) }
  const reports = circuitSnapshot(breaker.circuits(), () => 'kong-id', history, TIMES)
  deepEqual(
    reports.map(({ circuit, state, since, until, reason }) => ({ circuit, state, since, until, reason })),
    [
      {
        circuit: { kind: 'service', serviceId: 'kong-id' },
        state: 'closed',
        since: null,
        until: null,
        reason: '',
      },
      {
        circuit: { kind: 'instance', upstream: 'web.mesh', target: 'a:1' },
        state: 'ejected',
        since: 7,
        until: 1_030_000,
        reason: 'bad',
      },
    ],
  )
  equal(reports[0]!.counts['total'], 5)
  equal(reports[1]!.counts['in_rotation'], false)
})

test('instances of an upstream that two services share are told of once', () => {
  const breaker = breakerOf('s1', 's2')
  fail(breaker, 's1', 1)
  const reports = circuitSnapshot(breaker.circuits(), () => null, NO_HISTORY, TIMES)
  deepEqual(
    reports.map(({ circuit }) => circuit.kind),
    ['service', 'instance', 'service'],
  )
})

test('an operator is told of no more than it takes, and of what is not closed first', () => {
  const breaker = new Breaker({ random: () => 0 })
  for (let i = 0; i <= 50_000; i++) {
    const mode = i === 50_000 ? 'forced_open' : 'auto'
    breaker.setConfig(0, `s${i}`, compileSettings({ mode }), 'shared.mesh')
  }
  const reports = circuitSnapshot(breaker.circuits(), () => null, NO_HISTORY, TIMES)
  deepEqual([reports.length, reports[0]!.state], [50_000, 'forced_open'])
})

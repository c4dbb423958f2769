import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { CanaryTraffic } from '../../../operator/metrics/canary-traffic.ts'
import { toldOutcome } from '../../../operator/metrics/told-outcome.ts'

const step = (over: object = {}) => ({
  service: 'web',
  key: 'first',
  targets: new Set(['10.0.0.2:80']),
  maxP95Ms: 100,
  sinceMs: 1_000,
  ...over,
})
const outcome = (...tries: (readonly [instance: string, status: number | string, ms: number])[]) =>
  toldOutcome(
    JSON.stringify({
      ...{ serviceId: 's', status: 200, durationMs: 500 },
      tries: tries.map(([instance, status, ms]) => ({ instance, status, ms })),
    }),
  )!

test('every try at an instance of the subset counts, a retried one as failed', () => {
  const traffic = new CanaryTraffic()
  traffic.watch(step())
  traffic.note(outcome(['10.0.0.1:80', 200, 5]))
  traffic.note(outcome(['10.0.0.2:80', 200, 5]))
  traffic.note(outcome(['10.0.0.2:80', 503, 150]))
  traffic.note(outcome(['10.0.0.2:80', 'connect_error', 1], ['10.0.0.1:80', 200, 5]))
  const { requests, failures, slow } = traffic.of('web', 'first')
  deepEqual([requests, failures, slow], [3, 2, 1])
})

test('another step counts anew, other instances of the same step go on', () => {
  const traffic = new CanaryTraffic()
  traffic.watch(step())
  traffic.note(outcome(['10.0.0.2:80', 200, 5]))
  traffic.watch(step({ targets: new Set(['10.0.0.3:80']) }))
  traffic.note(outcome(['10.0.0.3:80', 200, 5]))
  equal(traffic.of('web', 'first').requests, 2)
  traffic.watch(step({ key: 'second' }))
  deepEqual([traffic.of('web', 'second').requests, traffic.of('web', 'first').requests], [0, 0])
  traffic.forget('web')
  traffic.note(outcome(['10.0.0.2:80', 200, 5]))
  equal(traffic.of('web', 'second').requests, 0)
})

test('a request from before the step that is told late says nothing of it', () => {
  const traffic = new CanaryTraffic()
  traffic.watch(step())
  const told = outcome(['10.0.0.2:80', 200, 5])
  for (const startedAtMs of [999, 1_000, 0]) traffic.note({ ...told, startedAtMs })
  equal(traffic.of('web', 'first').requests, 2)
})

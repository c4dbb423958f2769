import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Called } from '../../../operator/call/caller.ts'
import { calledLine } from '../../../operator/cli/commands/call.ts'

const called = (over: Partial<Called>): Called => ({
  status_code: 503,
  headers: {},
  body: null,
  instance_id: null,
  trace_id: 'abc',
  duration: 0.4,
  ...over,
})

test('who answered is named: an instance, the circuit breaker, or nobody that is known', () => {
  equal(calledLine(called({ status_code: 200, instance_id: 'web-1' })), '200 from web-1 in 0.4 s, trace abc')
  equal(
    calledLine(called({ body: { code: 'CIRCUIT_OPEN', service: 'web' } })),
    '503 from the circuit breaker, which asked no instance, in 0.4 s, trace abc',
  )
  const unknown = '503 from Kong itself or an instance that is not known in 0.4 s, trace abc'
  for (const body of [null, 'text', { code: 'OTHER' }]) equal(calledLine(called({ body })), unknown)
})

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { FaultView } from '../../../operator/core/faults.ts'
import { abortAnswer, faultFor, isBelow } from '../../../plugins/mesh-circuit-breaker/inject-fault.ts'

const FAULTS: FaultView = {
  delayMs: 200,
  delayPercent: 50,
  abortPercent: 10,
  abortStatus: 503,
  paths: [],
  untilMs: 1_000,
}

test('a request may be delayed, aborted, both, or left alone', () => {
  deepEqual(faultFor(FAULTS, 0, [0.49, 0.1]), { delayMs: 200, abortStatus: null })
  deepEqual(faultFor(FAULTS, 0, [0.5, 0.09]), { delayMs: 0, abortStatus: 503 })
  deepEqual(faultFor(FAULTS, 0, [0, 0]), { delayMs: 200, abortStatus: 503 })
  equal(faultFor(FAULTS, 0, [0.5, 0.1]), null)
})

test('whatever the numbers are, nothing is injected when their time is over, nor at 0 %', () => {
  const part = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(part, part, (one, other) => {
      equal(faultFor(FAULTS, 1_000, [one, other]), null)
      equal(faultFor({ ...FAULTS, delayPercent: 0, abortPercent: 0 }, 0, [one, other]), null)
      deepEqual(faultFor({ ...FAULTS, delayPercent: 100, abortPercent: 100 }, 0, [one, other]), {
        delayMs: 200,
        abortStatus: 503,
      })
    }),
  )
})

test('paths are prefixes, none is every path', () => {
  deepEqual([isBelow('/a/b', ['/x', '/a']), isBelow('/b', ['/a']), isBelow('/b', [])], [true, false, true])
})

test('an aborted client is told that it was on purpose', () => {
  const { status, headers, body } = abortAnswer('web', 418)
  deepEqual([status, headers['X-Mesh-Fault'], JSON.parse(body).code], [418, 'abort', 'FAULT_INJECTED'])
})

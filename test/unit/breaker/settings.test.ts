// Settings of circuits: what is left out, what overrides what, how forms of a window replace each other.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BUILT_IN } from '../../../operator/core/settings-defaults.ts'
import { mergeSettings } from '../../../plugins/breaker/merge-settings.ts'
import { compileSettings } from '../../../plugins/breaker/settings.ts'
import { BUILT_IN_BREAKER } from '../../../plugins/breaker/settings-defaults.ts'

test('the operator and the plugins have one set of defaults', () => {
  assert.equal(BUILT_IN.circuitBreaker, BUILT_IN_BREAKER)
})

test('what is left out has its default, and failures in a row are off for the service', () => {
  const { service, instance, ejection, mode, abortedAfterMs } = compileSettings({})
  assert.deepEqual([service.consecutiveFailures, instance.consecutiveFailures], [0, 5])
  assert.deepEqual([service.openMs, service.maxMs, service.trialLimitMs], [60_000, 300_000, 10_000])
  assert.deepEqual([ejection, mode, abortedAfterMs], [BUILT_IN_BREAKER.ejection, 'auto', 500])
})

test('the settings that the operator makes effective compile to the same', () => {
  assert.deepEqual(compileSettings(BUILT_IN_BREAKER as never), compileSettings({}))
})

test('the service circuit has the rules of instances, with its own over them', () => {
  const { service, instance } = compileSettings({
    window: { seconds: 20, buckets: 5 },
    failureStatuses: [503, '520-529'],
    service: { window: { buckets: 10 }, minimumCalls: 7 },
  })
  assert.deepEqual([instance.window.buckets, instance.window.bucketMs], [5, 4_000])
  assert.deepEqual([service.window.buckets, service.window.bucketMs], [10, 2_000])
  assert.deepEqual([service.minimumCalls, instance.minimumCalls], [7, 20])
  assert.deepEqual(service.failureRanges, [503, 503, 520, 529])
})

test('naming one form of a window drops the other, in both directions', () => {
  const timed = compileSettings({ window: { calls: 9 }, service: { window: { seconds: 5 } } })
  assert.deepEqual([timed.instance.window.calls, timed.service.window.calls], [9, 0])
  assert.deepEqual([timed.service.window.buckets, timed.service.window.bucketMs], [10, 500])
  assert.deepEqual(mergeSettings({ window: { seconds: 5, buckets: 2 } }, { window: { calls: 3 } }), {
    window: { calls: 3 },
  })
})

test('null says nothing: so Kong stores what is left out', () => {
  const nothing = { failureRate: null, window: { seconds: null, buckets: null, calls: null }, service: null }
  assert.deepEqual(compileSettings(nothing as never), compileSettings({}))
})

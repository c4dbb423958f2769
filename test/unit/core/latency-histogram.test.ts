import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LatencyHistogram } from '../../../operator/core/latency-histogram.ts'

const durations = fc.array(
  fc.oneof(fc.double({ min: 0.001, max: 1e9, noNaN: true }), fc.integer({ min: 1, max: 100 })),
  {
    minLength: 1,
    maxLength: 200,
  },
)
const of = (samples: readonly number[]): LatencyHistogram => {
  const histogram = new LatencyHistogram()
  for (const ms of samples) histogram.record(ms)
  return histogram
}
const told = (histogram: LatencyHistogram) =>
  [0, 10, 50, 90, 95, 99, 100].map((percent) => histogram.percentile(percent))

test('a percentile is within 1 % of the sample at its rank', () => {
  fc.assert(
    fc.property(durations, fc.integer({ min: 0, max: 100 }), (samples, percent) => {
      const sorted = [...samples].sort((a, b) => a - b)
      const exact = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)]!
      const found = of(samples).percentile(percent)!
      ok(Math.abs(found - exact) <= exact * 0.01 + 0.001, `${found} for ${exact}`)
    }),
  )
})

test('two merged say what one of all samples says', () => {
  fc.assert(
    fc.property(durations, durations, (left, right) => {
      const merged = of(left)
      merged.add(of(right))
      const whole = of([...left, ...right])
      deepEqual(told(merged), told(whole))
      equal(merged.count, whole.count)
      ok(Math.abs(merged.sumMs - whole.sumMs) <= whole.sumMs * 1e-9)
    }),
  )
})

test('what is taken out again was never there', () => {
  fc.assert(
    fc.property(durations, durations, (left, right) => {
      const histogram = of(left)
      histogram.add(of(right))
      histogram.subtract(of(right))
      for (const ms of right) histogram.record(ms)
      for (const ms of right) histogram.forget(ms)
      deepEqual(told(histogram), told(of(left)))
      equal(histogram.count, left.length)
    }),
  )
})

test('counts up to a bound are those of the samples, to a bucket', () => {
  const histogram = of([1, 2, 4, 8, 16])
  deepEqual(
    [0.5, 1, 5, 16, 1e12].map((bound) => histogram.countUpTo(bound)),
    [0, 1, 3, 5, 5],
  )
})

test('without samples there is no percentile', () => {
  const histogram = new LatencyHistogram()
  equal(histogram.percentile(99), null)
  equal(histogram.meanMs, 0)
  equal(histogram.countUpTo(1), 0)
})

test('whatever comes is counted: negative, no number, endless', () => {
  const histogram = of([-5, Number.NaN, 0, Number.POSITIVE_INFINITY, 1e300, 5e-324])
  equal(histogram.count, 6)
  ok(histogram.percentile(0)! < 0.01)
  ok(histogram.percentile(100)! >= 2 ** 34)
})

test('it goes through JSON unchanged, and nothing else becomes one', () => {
  fc.assert(
    fc.property(durations, (samples) => {
      const histogram = of(samples)
      const again = LatencyHistogram.from(JSON.parse(JSON.stringify(histogram)))
      deepEqual(told(again), told(histogram))
      again.record(3)
      equal(again.count, samples.length + 1)
    }),
  )
  throws(() => LatencyHistogram.from({ first: -1, counts: [1], sumMs: 0 }), RangeError)
  throws(() => LatencyHistogram.from({ first: 0, counts: [1.5], sumMs: 0 }), RangeError)
  throws(() => LatencyHistogram.from({ first: 3000, counts: [1], sumMs: 0 }), RangeError)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRandomSource } from '../../../plugins/propagation/ids.ts'

const random = createRandomSource()

test('ids have their form and do not come twice over many batches', () => {
  const seen = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const [traceId, spanId] = [random.traceId(), random.spanId()]
    assert.match(traceId, /^(?!0{16})[0-9a-f]{16}(?!0{16})[0-9a-f]{16}$/)
    assert.match(spanId, /^(?!0{16})[0-9a-f]{16}$/)
    seen.add(traceId).add(spanId)
  }
  assert.equal(seen.size, 40_000)
})

test('the dice stay in [0, 1) and are spread over it', () => {
  const drawn = Array.from({ length: 20_000 }, () => random.unit())
  assert.ok(drawn.every((unit) => unit >= 0 && unit < 1))
  const low = drawn.filter((unit) => unit < 0.25).length
  assert.ok(low > 4_500 && low < 5_500, `${low} of 20000 below a quarter`)
})

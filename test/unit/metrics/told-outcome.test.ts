import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { toldOutcome } from '../../../operator/metrics/told-outcome.ts'
import { outcomeOf } from './outcome-of.ts'

test('a line says what the plugin process wrote', () => {
  const outcome = outcomeOf({ status: 503, spanId: 'b'.repeat(16) })
  deepEqual(toldOutcome(JSON.stringify(outcome)), outcome)
})

test('what is not needed to count may be missing', () => {
  const told = toldOutcome('{"serviceId":null,"status":200,"tries":[]}')
  deepEqual([told?.status, told?.durationMs, told?.path, told?.source], [200, 0, '', 'upstream'])
})

test('a status that HTTP does not have is told all the same: Kong hands on what an instance answers', () => {
  equal(toldOutcome('{"serviceId":null,"status":999,"tries":[]}')?.status, 999)
  equal(toldOutcome('{"serviceId":null,"status":1000,"tries":[]}'), null)
})

const refused: readonly [string, string][] = [
  ['no JSON', '{'],
  ['no object', 'null'],
  ['a status that is none', '{"serviceId":null,"status":99,"tries":[]}'],
  ['no tries', '{"serviceId":null,"status":200}'],
  ['a try without instance', '{"serviceId":null,"status":200,"tries":[{}]}'],
  ['a service that is no id', '{"serviceId":7,"status":200,"tries":[]}'],
]
for (const [what, line] of refused) test(`${what} is no outcome`, () => equal(toldOutcome(line), null))

test('no line of any kind throws, and texts are bounded', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: false }), fc.string({ maxLength: 3_000 }), (odd, path) => {
      const line = JSON.stringify({
        serviceId: null,
        status: 200,
        tries: [],
        durationMs: odd,
        path,
        method: odd,
      })
      const told = toldOutcome(line)
      return told !== null && told.path.length <= 1_024 && told.method.length <= 32 && told.durationMs >= 0
    }),
  )
})

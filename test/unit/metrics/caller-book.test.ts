import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CallerBook } from '../../../operator/metrics/caller-book.ts'

interface Call {
  readonly spanId: string
  readonly parentSpanId: string | null
}

test('whatever the order they are told in, each call has its caller once', () => {
  // Request i is made by the request `parents[i]` before it, or comes from outside.
  const trees = fc.array(fc.nat(9), { minLength: 1, maxLength: 30 })
  fc.assert(
    fc.property(trees, fc.infiniteStream(fc.nat()), (parents, dice) => {
      const calls: Call[] = parents.map((parent, i) => ({
        spanId: `s${i}`,
        parentSpanId: i === 0 || parent === 0 ? null : `s${parent % i}`,
      }))
      const book = new CallerBook<Call>()
      const left = [...calls]
      const found: string[] = []
      while (left.length > 0) {
        const [call] = left.splice(dice.next().value! % left.length, 1)
        const told = book.note(call!, `of ${call!.spanId}`, 0)
        found.push(...told.map(({ caller, callee }) => `${caller} ${callee}`))
      }
      const wanted = calls.filter((each) => each.parentSpanId !== null)
      deepEqual(
        found.sort(),
        wanted.map(({ spanId, parentSpanId }) => `of ${parentSpanId} of ${spanId}`).sort(),
      )
    }),
  )
})

test('what waits for a caller that never comes is forgotten, by age and by number', () => {
  const book = new CallerBook<Call>(10)
  for (let i = 0; i < 100; i++) book.note({ spanId: `s${i}`, parentSpanId: `outside ${i}` }, 'web', i)
  ok(book.size <= 20, `${book.size}`)
  book.note({ spanId: 'new', parentSpanId: 'outside' }, 'web', 1e6)
  equal(book.size, 2)
})

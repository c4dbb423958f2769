import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { patchedMap } from '../../../operator/core/patched-map.ts'

const key = fc.integer({ min: 0, max: 40 })
const step = fc.record({
  removed: fc.array(key, { maxLength: 3 }),
  added: fc.array(fc.tuple(key, fc.string()), { maxLength: 3 }),
})

test('a patched map is what a copy with the same changes would be, and leaves the one before alone', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.string()), { maxLength: 40 }), fc.array(step), (start, steps) => {
      let model = new Map(start)
      let map: ReadonlyMap<number, string> = new Map(start)
      for (const { removed, added } of steps) {
        const [before, modelBefore] = [map, model]
        model = new Map(model)
        for (const each of removed) model.delete(each)
        for (const [each, value] of added) model.set(each, value)
        map = patchedMap(map, removed, added)
        assert.deepEqual(sorted(before), sorted(modelBefore))
        assert.deepEqual(sorted(map), sorted(model))
        assert.equal(map.size, model.size)
        for (let each = 0; each <= 40; each++) {
          assert.equal(map.get(each), model.get(each))
          assert.equal(map.has(each), model.has(each))
        }
        assert.deepEqual([...map.keys()].sort(), [...model.keys()].sort())
        assert.deepEqual([...map.values()].sort(), [...model.values()].sort())
        const told = new Map<number, string>()
        map.forEach((value, of) => void told.set(of, value))
        assert.deepEqual(sorted(told), sorted(model))
      }
    }),
  )
})

const sorted = (map: ReadonlyMap<number, string>) => [...map].sort(([left], [right]) => left - right)

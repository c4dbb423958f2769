import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { KeptRows } from '../../../operator/consul/keep-lost.ts'

const kept = () => new KeptRows<string>((one, other) => one === other)
const rows = (...keys: string[]) => new Map(keys.map((key) => [key, key]))
const keysOf = (map: ReadonlyMap<string, string>) => [...map.keys()].sort()

test('a deleted row is gone', () => {
  const keeper = kept()
  keeper.accept(rows('a', 'b'), false)
  deepEqual(keysOf(keeper.accept(rows('a'), false)), ['a'])
})

test('rows that vanish with an index that goes backwards are kept', () => {
  const keeper = kept()
  keeper.accept(rows('a', 'b'), false)
  deepEqual(keysOf(keeper.accept(rows('b'), true)), ['a', 'b'])
})

test('they stay while other keys of Consul change, and through a second loss', () => {
  const keeper = kept()
  keeper.accept(rows('a', 'b'), false)
  keeper.accept(rows('b'), true)
  deepEqual(keysOf(keeper.accept(rows('b'), false)), ['a', 'b'])
  deepEqual(keysOf(keeper.accept(rows(), true)), ['a', 'b'])
})

test('they go when somebody changes a row', () => {
  const keeper = kept()
  keeper.accept(rows('a', 'b'), false)
  keeper.accept(rows(), true)
  deepEqual(keysOf(keeper.accept(rows('c'), false)), ['c'])
})

import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import { type Entity, keyOf } from '../../../operator/core/entity.ts'
import { forgetRemoved, noteRemoved, type Removed, refusedKeys } from '../../../operator/core/removal-war.ts'
import { applied, desire, instance, KEEP, named } from './build-mesh.ts'

const { state: wanted } = desire({ web: [instance(1)], api: [instance(2)] })
const inKong = applied(wanted)
const route = named(inKong, 'route', 'mesh.web.host')!
const upstream = named(inKong, 'upstream', 'web.mesh')!
const target = named(inKong, 'target', '10.0.0.1:80')!
const NONE: Removed = new Map()

const removedAt = (times: readonly number[], gone: readonly Entity[] = [route], left = inKong) =>
  times.reduce<Removed>((removed, ms) => noteRemoved(removed, gone, left, 'default', ms), NONE)

test('three removals in ten minutes are a conflict, two are not', () => {
  equal(refusedKeys(removedAt([0, 1000]), 1000).size, 0)
  deepEqual([...refusedKeys(removedAt([0, 1000, 599_999]), 600_000)], [keyOf(route)])
})

test('three removals over more than ten minutes are none', () => {
  equal(refusedKeys(removedAt([0, 300_000, 600_000]), 600_000).size, 0)
})

test('a Kong that was wiped three times is no conflict', () => {
  equal(refusedKeys(removedAt([0, 1, 2], [...inKong.values()], new Map()), 2).size, 0)
})

test('targets that went with their upstream are not counted', () => {
  deepEqual([...refusedKeys(removedAt([0, 1, 2], [upstream, target]), 2)], [keyOf(upstream)])
})

test('what was asked for again is created again', () => {
  const removed = removedAt([0, 1, 2])
  equal(refusedKeys(forgetRemoved(removed, [keyOf(route)]), 2).size, 0)
})

test('a refused entity is not created, nor what hangs on it, and that is told', () => {
  const left = new Map(
    [...inKong].filter(([, { id, parent }]) => id !== upstream.id && parent !== upstream.id),
  )
  const { changes, conflicts } = diff(left, wanted, { ...KEEP, refused: new Set([keyOf(upstream)]) })
  deepEqual(
    [changes, conflicts.map(({ code, service }) => [code, service])],
    [[], [['REMOVED_REPEATEDLY', 'web']]],
  )
})

test('after an hour it is tried again', () => {
  const removed = removedAt([0, 1, 2])
  deepEqual(
    [3_600_001, 3_600_002].map((now) => refusedKeys(removed, now).size),
    [1, 0],
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../../../operator/core/entity.ts'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { KongMirror } from '../../../operator/sync/kong-mirror.ts'
import { deferred } from '../../support/deferred.ts'
import { desire, instance } from '../core/build-mesh.ts'

const everything = () => true
/** A mirror of `state`. */
function mirrored(): KongMirror {
  const mirror = new KongMirror()
  mirror.replace(state)
  return mirror
}
const { state } = desire({ web: [instance(1)] })
const [target] = [...state.values()].filter(({ kind }) => kind === 'target')
const [service] = [...state.values()].filter(({ kind }) => kind === 'service')

test('a read shows what is gone of a service of which something else was written meanwhile', async () => {
  const mirror = mirrored()
  const read = new Map(state)
  read.delete(keyOf(service!))
  await mirror.read(async () => {
    mirror.set(target!)
    return read
  }, everything)
  assert.equal(mirror.get(keyOf(service!)), undefined)
  assert.equal(mirror.get(keyOf(target!)), target)
})

test('a slow read does not put back what was before a write', async () => {
  const mirror = mirrored()
  const heavier = { ...target!, fields: { weight: 7 } }
  await mirror.read(async () => {
    mirror.set(heavier)
    mirror.delete(keyOf(service!))
    return state
  }, everything)
  assert.equal(mirror.get(keyOf(target!)), heavier)
  assert.equal(mirror.get(keyOf(service!)), undefined)
  mirror.replace(state)
  assert.equal(mirror.get(keyOf(service!)), service)
})

test('targets that went with their upstream do not come back by a read from before', async () => {
  const mirror = mirrored()
  await mirror.read(async () => {
    mirror.delete(`upstream/${target!.parent}`)
    return state
  }, everything)
  assert.equal(mirror.get(keyOf(target!)), undefined)
})

test('writes are remembered for the reads that are under way, and for none after', async () => {
  const mirror = mirrored()
  mirror.set(target!)
  assert.equal(mirror.remembered, 0)
  const first = deferred<typeof state>()
  const second = deferred<typeof state>()
  const reads = [first, second].map(({ promise }) => mirror.read(() => promise, everything))
  mirror.set(target!)
  mirror.delete(keyOf(service!))
  assert.equal(mirror.remembered, 2)
  first.reject(new Error('no answer'))
  await assert.rejects(reads[0]!, /no answer/)
  assert.equal(mirror.remembered, 2)
  second.resolve(state)
  await reads[1]
  assert.equal(mirror.get(keyOf(service!)), undefined)
  assert.equal(mirror.remembered, 0)
})

test('a read that began later needs nothing from before it', async () => {
  const mirror = mirrored()
  const first = deferred<typeof state>()
  const slow = mirror.read(() => first.promise, everything)
  mirror.set(target!)
  const second = deferred<typeof state>()
  const late = mirror.read(() => second.promise, everything)
  mirror.delete(keyOf(service!))
  first.resolve(state)
  await slow
  assert.equal(mirror.remembered, 1)
  second.resolve(state)
  await late
  assert.equal(mirror.get(keyOf(service!)), undefined)
})

test('a plugin that somebody hung onto a route is seen with the service of the route', () => {
  const mirror = mirrored()
  const route = [...state.values()].find(({ kind }) => kind === 'route')!
  const row = { id: 'theirs', name: 'cors', route: { id: route.id }, service: null, tags: null }
  mirror.set(entityFromKong('plugin', row))
  assert.equal(mirror.part('web', []).has('plugin/theirs'), true)
})

test('routes that nobody manages are one list until one of them changes', () => {
  const mirror = mirrored()
  const none = mirror.foreignRoutes()
  assert.deepEqual(none, [])
  mirror.set(target!)
  assert.equal(mirror.foreignRoutes(), none)
  const theirs = entityFromKong('route', { id: 'theirs', name: 'legacy', paths: ['/'], tags: null })
  mirror.set(theirs)
  assert.deepEqual(mirror.foreignRoutes(), [theirs])
  mirror.delete('route/theirs')
  assert.deepEqual(mirror.foreignRoutes(), [])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../../../operator/core/entity.ts'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { KongMirror } from '../../../operator/sync/kong-mirror.ts'
import { desire, instance } from '../core/build-mesh.ts'

const everything = () => true
const { state } = desire({ web: [instance(1)] })
const [target] = [...state.values()].filter(({ kind }) => kind === 'target')
const [service] = [...state.values()].filter(({ kind }) => kind === 'service')

test('a read shows what is gone of a service of which something else was written meanwhile', () => {
  const mirror = new KongMirror()
  mirror.merge(state, everything, mirror.now())
  const begun = mirror.now()
  mirror.set(target!)
  const read = new Map(state)
  read.delete(keyOf(service!))
  mirror.merge(read, everything, begun)
  assert.equal(mirror.get(keyOf(service!)), undefined)
  assert.equal(mirror.get(keyOf(target!)), target)
})

test('a slow read does not put back what was before a write', () => {
  const mirror = new KongMirror()
  mirror.merge(state, everything, mirror.now())
  const begun = mirror.now()
  const heavier = { ...target!, fields: { weight: 7 } }
  mirror.set(heavier)
  mirror.delete(keyOf(service!))
  mirror.merge(state, everything, begun)
  assert.equal(mirror.get(keyOf(target!)), heavier)
  assert.equal(mirror.get(keyOf(service!)), undefined)
  mirror.merge(state, everything, mirror.now())
  assert.equal(mirror.get(keyOf(service!)), service)
})

test('targets that went with their upstream do not come back by a read from before', () => {
  const mirror = new KongMirror()
  mirror.merge(state, everything, mirror.now())
  const begun = mirror.now()
  mirror.delete(`upstream/${target!.parent}`)
  mirror.merge(state, everything, begun)
  assert.equal(mirror.get(keyOf(target!)), undefined)
})

test('a plugin that somebody hung onto a route is seen with the service of the route', () => {
  const mirror = new KongMirror()
  mirror.merge(state, everything, mirror.now())
  const route = [...state.values()].find(({ kind }) => kind === 'route')!
  const row = { id: 'theirs', name: 'cors', route: { id: route.id }, service: null, tags: null }
  mirror.set(entityFromKong('plugin', row))
  assert.equal(mirror.part('web', []).has('plugin/theirs'), true)
})

test('routes that nobody manages are one list until one of them changes', () => {
  const mirror = new KongMirror()
  mirror.merge(state, everything, mirror.now())
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

import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { sharedFields } from '../../../operator/core/shared.ts'

test('equal fields become the same object, whatever order Kong answered them in', () => {
  const one = sharedFields('upstream', { algorithm: 'round-robin', slots: 10_000 })
  equal(sharedFields('upstream', { slots: 10_000, algorithm: 'round-robin' }), one)
  deepEqual(one, { algorithm: 'round-robin', slots: 10_000 })
})

test('what an entity has of its own stays its own', () => {
  const row = (id: string) => ({ id, name: 'cors', service: { id: `s-${id}` }, config: { max_age: 5 } })
  const [one, other] = [entityFromKong('plugin', row('a')), entityFromKong('plugin', row('b'))]
  deepEqual([one.fields.service, other.fields.service], [{ id: 's-a' }, { id: 's-b' }])
  deepEqual([one.fields['config.max_age'], other.fields['config.max_age']], [5, 5])
  const global = entityFromKong('plugin', { ...row('c'), service: null })
  equal(global.fields.service, null)
})

test('fields that differ, or are absent in one, are never taken for each other', () => {
  const base = sharedFields('target', { weight: 100 })
  notEqual(sharedFields('target', { weight: 10 }), base)
  notEqual(sharedFields('target', { weight: 100, cache: null }), base)
  const route = { hosts: ['a'], strip_path: true }
  deepEqual(sharedFields('route', route), route)
  deepEqual(sharedFields('route', { strip_path: true }), { strip_path: true })
  deepEqual(sharedFields('route', { ...route, hosts: ['b'], paths: null }), {
    ...route,
    hosts: ['b'],
    paths: null,
  })
})

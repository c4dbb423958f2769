import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../../operator/core/kong-json.ts'
import {
  type Collections,
  planRestore,
  type RowChange,
  restoreSteps,
  writable,
} from '../../../operator/core/restore-plan.ts'

const service = (id: string, more: JsonObject = {}): JsonObject => ({ id, name: id, updated_at: 1, ...more })

test('what is as it was is left alone, whenever it was written', () => {
  const saved = { services: [service('a')], certificates: [{ id: 'c', cert: 'x', snis: ['a.test'] }] }
  const now = {
    services: [service('a', { updated_at: 9 })],
    certificates: [{ id: 'c', cert: 'x', snis: ['a.test', 'b.test'] }],
  }
  deepEqual(planRestore(saved, now), [])
})

test('what came since goes first, dependants before what they hang on; then comes what is missing, the other way round', () => {
  const saved = {
    'upstreams/u/targets': [{ id: 't', target: '10.0.0.1:80' }],
    upstreams: [{ id: 'u', name: 'u' }],
    routes: [{ id: 'r', service: { id: 'a' } }],
    services: [service('a'), service('b', { host: 'old' })],
  }
  const now = {
    services: [service('b', { host: 'new' }), service('new')],
    routes: [{ id: 'of-new', service: { id: 'new' } }],
    plugins: [{ id: 'p', service: { id: 'new' } }],
  }
  const line = ({ action, path, row }: RowChange) => `${action} ${path} ${String(row.id)}`
  const changes = planRestore(saved, now)
  deepEqual(changes.map(line), [
    'delete plugins p',
    'delete routes of-new',
    'delete services new',
    'create services a',
    'update services b',
    'create routes r',
    'create upstreams u',
    'create upstreams/u/targets t',
  ])
  deepEqual(
    restoreSteps(changes).map((step) => step.length),
    [1, 1, 1, 2, 1, 1, 1],
  )
})

const rows = fc
  .uniqueArray(fc.record({ id: fc.constantFrom(...'abcdef'), host: fc.constantFrom('x', 'y') }), {
    selector: ({ id }) => id,
  })
  .map((list) => list.map((row): JsonObject => ({ ...row })))
test('a key that never ends is given back without its ttl, to which Kong would answer 500', () => {
  const row = { id: 'k', key: 'secret', consumer: { id: 'c' }, tags: null }
  deepEqual(writable('key-auths', { ...row, created_at: 1, ttl: null }), row)
  deepEqual(writable('key-auths', { ...row, ttl: 60 }), { ...row, ttl: 60 })
})

test('a key that ends is the same a second later', () => {
  const keys = (ttl: number | null) => ({ 'key-auths': [{ id: 'k', key: 'secret', ttl }] })
  deepEqual(planRestore(keys(60), keys(59)), [])
  equal(planRestore(keys(60), keys(null)).length, 1)
})

test('names that TLS clients ask for are the condition of a route: they are given back, and one that lost them is another', () => {
  const route = (snis: string[] | null) => ({ id: 'r', protocols: ['tls_passthrough'], snis })
  deepEqual(writable('routes', route(['a.test'])), route(['a.test']))
  equal(planRestore({ routes: [route(['a.test'])] }, { routes: [route(null)] }).length, 1)
})

const collections: fc.Arbitrary<Collections> = fc.record({ services: rows, upstreams: rows, plugins: rows })

test('whatever Kong holds, the changes make it what was saved', () => {
  fc.assert(
    fc.property(collections, collections, (saved, now) => {
      const held = new Map(
        Object.entries(now).map(([path, list]) => [path, new Map(list.map((row) => [row.id, row]))]),
      )
      for (const { action, path, row } of planRestore(saved, now)) {
        const place = held.get(path)!
        equal(place.has(row.id), action !== 'create')
        if (action === 'delete') place.delete(row.id)
        else place.set(row.id, writable(path, row))
      }
      for (const [path, list] of Object.entries(saved))
        deepEqual([...held.get(path)!.values()].toSorted(byId), list.toSorted(byId))
    }),
  )
})
const byId = (left: JsonObject, right: JsonObject) => (String(left.id) < String(right.id) ? -1 : 1)

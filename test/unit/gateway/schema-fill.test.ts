import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fillFields, hideShorthands, mergeValues, showShorthands } from '../../../kong/gateway/schema/fill.ts'
import { BUNDLED } from '../../../kong/gateway/schema/plugins/bundled.ts'
import { makeSchemas } from '../../../kong/gateway/schema/schemas.ts'
import type { ObjectValue, Value } from '../../../kong/gateway/schema/table.ts'
import { validateRecord } from '../../../kong/gateway/schema/validate.ts'

const schemas = makeSchemas(BUNDLED.map(([definition]) => definition))

function fill(collection: keyof typeof schemas, input: ObjectValue): ObjectValue {
  const { value } = fillFields(schemas[collection], input, { context: 'insert' })
  return value ?? {}
}

test('url of a service is spread over its fields', () => {
  const { protocol, host, port, path } = fill('services', { url: 'https://a.test/base?x=1' })
  deepEqual({ protocol, host, port, path }, { protocol: 'https', host: 'a.test', port: 443, path: '/base' })
})

test('hash_on chooses the algorithm, and the algorithm takes back hash_on', () => {
  equal(fill('upstreams', { hash_on: 'ip' })['algorithm'], 'consistent-hashing')
  equal(fill('upstreams', { algorithm: 'latency', hash_on: 'ip' })['hash_on'], 'none')
})

test('the older name of a nested setting fills the gap and gives way to the new one', () => {
  const { config } = fill('plugins', {
    name: 'rate-limiting',
    config: { redis_host: 'a', redis: { port: 5 } },
  })
  const { redis } = config as { redis: ObjectValue }
  deepEqual([redis['host'], redis['port'], redis['timeout']], ['a', 5, 2000])
})

test('an older name that contradicts the new one is refused', () => {
  const input = { name: 'rate-limiting', config: { redis_host: 'a', redis: { host: 'b' } } }
  const { errors } = fillFields(schemas.plugins, input, { context: 'insert' })
  equal(
    errors?.get('redis_host'),
    'both deprecated and new field are used but their values mismatch: redis_host = a vs redis.host = b',
  )
})

test('rows show older names and hide them again before a change', () => {
  const row = fill('plugins', { name: 'rate-limiting', config: { minute: 5, redis: { host: 'a' } } })
  const shown = showShorthands(schemas.plugins, row)
  equal((shown['config'] as ObjectValue)['redis_host'], 'a')
  deepEqual(hideShorthands(schemas.plugins, shown), row)
})

test('sets lose what they hold twice', () => {
  deepEqual(fill('routes', { tags: ['a', 'b', 'a'] })['tags'], ['a', 'b'])
})

test('a PATCH merges records and replaces lists', () => {
  const before = fill('upstreams', { name: 'u' })
  const patch: ObjectValue = { healthchecks: { passive: { unhealthy: { http_statuses: [500] } } } }
  const after = mergeValues(schemas.upstreams, patch, before)
  const { active, passive } = after['healthchecks'] as { active: Value; passive: { unhealthy: ObjectValue } }
  deepEqual(active, (before['healthchecks'] as ObjectValue)['active'] as Value)
  deepEqual(passive.unhealthy, { http_statuses: [500], tcp_failures: 0, timeouts: 0, http_failures: 0 })
})

test('what is filled in passes the checks, and filling it again changes nothing', () => {
  const minimal: readonly (readonly [keyof typeof schemas, ObjectValue])[] = [
    ['services', { host: 'h' }],
    ['routes', { paths: ['/x'] }],
    ['upstreams', { name: 'u' }],
    ['consumers', { username: 'c' }],
    ...BUNDLED.map(([{ name }]) => ['plugins', { name, config: CONFIGS[name] ?? {} }] as const),
  ]
  for (const [collection, input] of minimal) {
    const value = fill(collection, input)
    const checks = { full: true, updating: false, nowSeconds: 0, schemaNamed: () => undefined }
    equal(validateRecord(schemas[collection], value, checks), undefined, JSON.stringify(input))
    deepEqual(fill(collection, value), value)
  }
})

/** The least that plugins without complete defaults need. */
const CONFIGS: Readonly<Record<string, ObjectValue>> = {
  'rate-limiting': { minute: 1 },
  acl: { allow: ['a'] },
  'ip-restriction': { deny: ['10.0.0.0/8'] },
}

test('whatever comes in, filling and checking answer instead of throwing, and leave the input as it was', () => {
  const names = [
    'name',
    'config',
    'protocols',
    'hosts',
    'headers',
    'healthchecks',
    'url',
    'tags',
    '__proto__',
    '1',
  ]
  const record = fc.dictionary(fc.constantFrom(...names), fc.jsonValue({ maxDepth: 4 }), {
    noNullPrototype: true,
  })
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(schemas)), record, (name, input) => {
      const collection = name as keyof typeof schemas
      const copy = JSON.stringify(input)
      const filled = fillFields(schemas[collection], input as ObjectValue, { context: 'insert' })
      const checks = { full: true, updating: false, nowSeconds: 0, schemaNamed: () => schemas.services }
      if (filled.value) validateRecord(schemas[collection], filled.value, checks)
      equal(JSON.stringify(input), copy)
    }),
    { numRuns: 500 },
  )
})

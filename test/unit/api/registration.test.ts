import { deepEqual, equal, ok } from 'node:assert/strict'
import test from 'node:test'
import { z } from 'zod'
import {
  type RegisterBody,
  registerBody,
  registrationOf,
  takenOver,
} from '../../../operator/api/registration.ts'
import { instanceOf } from './catalog-of.ts'

const BASE = { service_name: 'web', address: '10.0.0.5', port: 8080 }
const made = (over: object = {}) => {
  const result = registrationOf({ ...BASE, ...over } as RegisterBody)
  if (!result.ok) throw new Error(`${result.field} ${result.message}`)
  return result.registration
}
const refusal = (over: object) => {
  const result = registrationOf({ ...BASE, ...over } as RegisterBody)
  return result.ok ? null : result.field
}
const checkOf = (health_check: object, over: object = {}) => made({ health_check, ...over }).Check

test('what is not said is filled in: GET /health every 10 s, exposed', () => {
  deepEqual(made(), {
    ID: 'web-10.0.0.5-8080',
    Name: 'web',
    Address: '10.0.0.5',
    Port: 8080,
    Tags: ['kongsul.enable=true'],
    Meta: {},
    Check: {
      HTTP: 'http://10.0.0.5:8080/health',
      Interval: '10s',
      Timeout: '5s',
      DeregisterCriticalServiceAfter: '1m',
    },
  })
})

test('a tag that opts out stays', () =>
  deepEqual(made({ tags: ['kongsul.enable=false'] }).Tags, ['kongsul.enable=false']))

const forms: [what: object, key: string, value: string][] = [
  [{ http: '/up?x=1' }, 'HTTP', 'http://10.0.0.5:8080/up?x=1'],
  [{ http: 'https://10.0.0.5:9443/up' }, 'HTTP', 'https://10.0.0.5:9443/up'],
  [{ tcp: true }, 'TCP', '10.0.0.5:8080'],
  [{ tcp: '10.0.0.5:9000' }, 'TCP', '10.0.0.5:9000'],
  [{ grpc: true }, 'GRPC', '10.0.0.5:8080'],
  [{ grpc: '10.0.0.5:8080/shop' }, 'GRPC', '10.0.0.5:8080/shop'],
  [{ ttl: '30s' }, 'TTL', '30s'],
]
for (const [what, key, value] of forms) {
  test(`health_check ${JSON.stringify(what)} is a check ${key}`, () => equal(checkOf(what)[key], value))
}

test('an IPv6 instance is asked in brackets, and its URL may write the address otherwise', () => {
  equal(checkOf({}, { address: '::1' })['HTTP'], 'http://[::1]:8080/health')
  ok(checkOf({ http: 'http://[0:0:0:0:0:0:0:1]:81/' }, { address: '[::1]' })['HTTP'])
})

const elsewhere = [
  { http: 'http://169.254.169.254/latest/meta-data' },
  { http: 'http://10.0.0.5@169.254.169.254/' },
  { http: 'http://169.254.169.254#@10.0.0.5/' },
  { http: '//169.254.169.254/' },
  { http: '/\\169.254.169.254/' },
  { http: 'file:///etc/passwd' },
  { http: 'up' },
  { http: '/a\r\nX-Evil: 1' },
  { tcp: '169.254.169.254:80' },
  { tcp: '10.0.0.5' },
  { tcp: '10.0.0.5:0' },
  { grpc: 'other:1/x' },
]
for (const what of elsewhere) {
  const [kind] = Object.keys(what)
  test(`a check of another place is refused: ${JSON.stringify(what)}`, () =>
    equal(refusal({ health_check: what }), `health_check.${kind}`))
}

test('two kinds of check at once are refused, and timing that means nothing', () => {
  equal(refusal({ health_check: { http: '/', ttl: '5s' } }), 'health_check')
  equal(refusal({ health_check: { ttl: '5s', interval: '1s' } }), 'health_check.interval')
})

test('an address that Kong could not have as a target is refused', () => {
  for (const address of ['999.1.1.1', 'a b', 'x_-', ':::', '10.0.0.5/..'])
    equal(refusal({ address }), 'address')
})

test('metadata that is no text is JSON, and what Consul would refuse is refused here', () => {
  deepEqual(made({ metadata: { a: 1, b: [true], c: null, d: 'x' } }).Meta, {
    a: '1',
    b: '[true]',
    c: 'null',
    d: 'x',
  })
  equal(refusal({ metadata: { big: 'x'.repeat(513) } }), 'metadata.big')
  equal(refusal({ metadata: { 'kongsul-check': 'x' } }), 'metadata.kongsul-check')
})

test('names, ports, weights and durations have their bounds', () => {
  const body = z.strictObject(registerBody)
  const wrong = [
    { service_name: 'Web' },
    { service_name: '' },
    { service_name: 'a'.repeat(65) },
    { service_name: 'a/b' },
    { port: 0 },
    { port: 65_536 },
    { port: '80' },
    { weight: -1 },
    { weight: 65_536 },
    { tags: 'blue' },
    { health_check: { ttl: '0s' } },
    { health_check: { interval: 'soon' } },
    { health_check: { every: '1s' } },
    { other: 1 },
  ]
  for (const over of wrong) ok(!body.safeParse({ ...BASE, ...over }).success, JSON.stringify(over))
})

test('a TTL registration can be taken over from what the catalog says, others cannot', () => {
  const { Meta, Check } = made({ health_check: { ttl: '30s' } })
  const taken = takenOver('web', instanceOf('web-1', 'critical', { meta: Meta, tags: ['x'] }))
  deepEqual([taken!.ID, taken!.Name, taken!.Tags, taken!.Check], ['web-1', 'web', ['x'], Check])
  equal(takenOver('web', instanceOf('web-1', 'critical')), null)
})

import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import { consulError, isAboutOneService, retryAfter } from '../../../operator/consul/consul-error.ts'

const answered = (statusCode: number, body = '', headers = {}) =>
  consulError(
    'health.service',
    Object.assign(new Error('x'), { isResponse: true, response: { statusCode, body, headers } }),
  )

const cases: [what: string, status: number, isAboutOne: boolean][] = [
  ['a 400', 400, true],
  ['a 403', 403, true],
  ['a 404', 404, true],
  ['a 429', 429, false],
  ['a 500', 500, false],
  ['a 503', 503, false],
]
for (const [what, status, isAboutOne] of cases) {
  test(`${what} is doubt about ${isAboutOne ? 'one service' : 'all'}`, () =>
    equal(isAboutOneService(answered(status)), isAboutOne))
}

test('a connection that fails is doubt about all', () => {
  equal(isAboutOneService(consulError('health.service', new Error('ECONNREFUSED'))), false)
})

test('Retry-After is seconds or a date, a minute at most', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  equal(retryAfter('2', now), 2000)
  equal(retryAfter('Thu, 01 Jan 2026 00:00:05 GMT', now), 5000)
  equal(retryAfter('86400', now), 60_000)
  equal(retryAfter('Thu, 01 Jan 2015 00:00:05 GMT', now), 0)
  equal(retryAfter('', now), null)
  equal(retryAfter('soon', now), null)
  equal(answered(429, '', { 'retry-after': '3' }).retryAfterMs, 3000)
})

test('a denial names what the token needs', () => {
  equal(/needs service_prefix "" read/.test(answered(403, 'Permission denied').message), true)
  const needs = (endpoint: string) => {
    const cause = Object.assign(new Error(), {
      isResponse: true,
      response: { statusCode: 403, body: 'Permission denied' },
    })
    return consulError(endpoint, cause).message.split('the token needs ')[1]
  }
  deepEqual(
    [
      'kv.set mesh/services/web',
      'kv.set mesh-secrets/identities/web/1',
      'config.list',
      'config.set service-splitter/web',
      'agent.service.register',
      'agent.service.register at http://127.0.0.1:8500',
    ].map(needs),
    [
      'key_prefix "mesh/" write',
      'key_prefix "mesh-secrets/identities/" write',
      'service_prefix "" read',
      'service_prefix "" write',
      'service "kongsul-operator" write and agent_prefix "" read',
      'service_prefix "" write',
    ],
  )
})

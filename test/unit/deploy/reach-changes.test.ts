import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { judgeAnswer, probesOf, takenBy } from '../../../operator/cli/deploy/probes.ts'
import { reachChanges } from '../../../operator/cli/deploy/reach-changes.ts'
import type { Change } from '../../../operator/core/diff.ts'
import { type Entity, type Json, keyOf } from '../../../operator/core/entity.ts'

const route = (name: string, owner: string, fields: Record<string, Json>): Entity => ({
  kind: 'route',
  id: `id-${name}`,
  name,
  owner,
  parent: `service-${name}`,
  fields: { protocols: ['http', 'https'], ...fields },
  tags: owner === '' ? [] : ['managed-by:kongsul', 'kongsul.mesh:default', `kongsul.service:${owner}`],
})
const change = (action: Change['action'], entity: Entity, before: Entity | null = null): Change => ({
  action,
  entity,
  before: action === 'delete' ? entity : before,
  fields: [],
  service: entity.owner,
})
const kong = (...entities: Entity[]) => new Map(entities.map((each) => [keyOf(each), each]))
const told = (changes: readonly Change[], ...held: Entity[]) =>
  reachChanges(kong(...held), changes).map(
    ({ action, what, service, from }) => `${action} ${what} ${service} <- ${from || 'nobody'}`,
  )

test('each host and path of a new route opens', () => {
  const made = change('create', route('web', 'web', { hosts: ['a.test', '*.b.test'], paths: ['/x/'] }))
  deepEqual(told([made]), [
    'opens host *.b.test path /x/ web <- nobody',
    'opens host a.test path /x/ web <- nobody',
  ])
})

test('only what is added to a route opens, and what is taken out of it closes', () => {
  const before = route('web', 'web', { hosts: ['a.test', 'b.test'] })
  const after = route('web', 'web', { hosts: ['b.test', 'c.test'] })
  deepEqual(told([change('update', after, before)], before), [
    'opens host c.test web <- nobody',
    'closes host a.test web <- service web',
  ])
})

test('a host that goes from one service to another moves', () => {
  const old = route('web', 'web', { hosts: ['a.test'] })
  const made = route('api', 'api', { hosts: ['a.test'] })
  deepEqual(told([change('create', made), change('delete', old)], old), [
    'moves host a.test api <- service web',
  ])
})

test('a host that a route of somebody else keeps, since it asks for more, stays with it', () => {
  const all = route('by-hand', '', { hosts: ['shop.test'], paths: ['/'] })
  const part = route('cart', '', { hosts: ['shop.test'], paths: ['/cart'] })
  const made = change('create', route('web', 'web', { hosts: ['shop.test'] }))
  deepEqual(told([made], all), ['stays host shop.test web <- route by-hand'])
  deepEqual(told([made], part), ['opens host shop.test web <- nobody'])
  const probe = { host: 'shop.test', path: '/health' }
  equal(takenBy(probe, [all, made.entity]), 'by-hand')
  equal(takenBy(probe, [part, made.entity]), null)
})

test('a catch-all of somebody else that serves a host now is named', () => {
  const all = route('site', '', { paths: ['/'] })
  const made = change('create', route('web', 'web', { hosts: ['shop.test'] }))
  deepEqual(told([made], all), ['moves host shop.test web <- route site'])
})

test('a regex of somebody else that loses a part of its requests is named', () => {
  const theirs = route('site', '', { paths: ['/shop'] })
  const made = change('create', route('web', 'web', { paths: ['~/shop/[0-9]+'] }))
  deepEqual(told([made], theirs), ['moves path ~/shop/[0-9]+ web <- route site'])
})

test('methods and headers are told, since the rest of a host stays whose it is', () => {
  const made = change(
    'create',
    route('web', 'web', { hosts: ['a.test'], methods: ['PUT', 'GET'], headers: { 'x-a': ['1'] } }),
  )
  deepEqual(told([made]), ['opens host a.test GET PUT header x-a: ["1"] web <- nobody'])
})

test('what asks for more than a plain host or path is not probed, and the path that Consul checks is', () => {
  const check = { HTTP: 'http://10.0.0.1:80/up?x=1' }
  const registration = { ID: '', Name: 'web', Address: '', Port: 80, Tags: [], Meta: {}, Check: check }
  const report = { service: 'web', hosts: ['web.mesh', '*.test'], paths: ['/web/', '~/w[0-9]'] }
  deepEqual(
    probesOf(report, [registration]).map(({ shown }) => shown),
    ['http://web.mesh/up?x=1', '/web/up?x=1'],
  )
  equal(probesOf(report, [])[0]!.path, '/')
})

const kindOf = (status: number, headers: Record<string, string> = {}, body = '') =>
  judgeAnswer({ status, headers, body }).kind
const NO_ROUTE = '{\n  "message":"no Route matched with those values",\n  "request_id":"a9e0"\n}'

test('an answer of an instance is told from one that Kong gave itself', () => {
  for (const served of [{ 'x-kong-upstream-latency': '1' }, { via: '1.1 kong/3.9.1', server: 'kong/3' }]) {
    deepEqual(
      [200, 404, 500, 502].map((status) => kindOf(status, served)),
      ['served', 'served', 'failed', 'failed'],
    )
  }
  const own = { server: 'kong/3.9.1' }
  deepEqual(
    [401, 426, 404, 503, 200].map((status) => kindOf(status, own)),
    ['guarded', 'guarded', 'failed', 'failed', 'failed'],
  )
})

test('a proxy before Kong that has a via of its own makes no served answer of what Kong says itself', () => {
  equal(kindOf(404, { via: '1.1 google', server: 'kong/3.9.1' }, NO_ROUTE), 'failed')
  equal(kindOf(200, { via: '1.1 kong/3.9.1, 1.1 google' }), 'served')
})

test('a Kong that tells no headers is known by its words', () => {
  equal(kindOf(200, { server: 'nginx' }, '{"message":"hello"}'), 'served')
  equal(kindOf(404, {}, NO_ROUTE), 'failed')
  const id = '0123456789abcdef0123456789abcdef'
  equal(kindOf(401, {}, JSON.stringify({ message: 'Unauthorized', request_id: id })), 'guarded')
  equal(kindOf(404, {}, JSON.stringify({ message: 'no such cart', cart: 1 })), 'served')
  equal(kindOf(502, {}, 'Bad Gateway'), 'failed')
})

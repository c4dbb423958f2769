import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { layerOfMeta } from '../../../operator/core/service-meta.ts'
import { codesOf, instance, settingsOf } from './build-mesh.ts'

const layerOf = (...metas: Record<string, string>[]) =>
  layerOfMeta(
    'web',
    metas.map((meta, index) => instance(index + 1, { meta })),
  )

const saidOf = (path: string, ...metas: Record<string, string>[]) => layerOf(...metas).layer.get(path)

describe('text in meta becomes the value its setting wants', () => {
  const cases: [key: string, text: string, path: string, value: unknown][] = [
    ['mesh-load-balancing-strategy', 'least_connections', 'loadBalancing.strategy', 'least_connections'],
    ['mesh-load-balancing-hash-on', 'header:x-user', 'loadBalancing.hashOn', 'header:x-user'],
    ['mesh-timeouts-read-ms', '500', 'timeouts.readMs', 500],
    ['mesh-retries', ' 2 ', 'retries', 2],
    ['mesh-expose', 'true', 'expose', true],
    ['mesh-hosts', 'a.test, b.test', 'routing.hosts', ['a.test', 'b.test']],
    ['mesh-routing-hosts', 'a.test', 'routing.hosts', ['a.test']],
    ['mesh-paths', '/shop/', 'routing.paths', ['/shop/']],
    ['mesh-paths', 'off', 'routing.paths', 'off'],
    ['mesh-protocol', 'grpc', 'protocol', 'grpc'],
    [
      'mesh-circuit-breaker-failure-statuses',
      '503,520-529',
      'circuitBreaker.failureStatuses',
      [503, '520-529'],
    ],
    ['mesh-circuit-breaker-window-seconds', '30', 'circuitBreaker.window.seconds', 30],
    ['mesh-health-checks-active', 'true', 'healthChecks.active', true],
    ['mesh-health-checks-active-http-path', '/ready', 'healthChecks.active.httpPath', '/ready'],
    ['mesh-degraded', 'weighted', 'degraded', 'weighted'],
    ['MESH-RETRIES', '4', 'retries', 4],
    ['mesh-expose', 'FALSE', 'expose', false],
    ['mesh-expose', 'True', 'expose', true],
    ['mesh-protocol', 'TCP', 'protocol', 'tcp'],
    ['mesh-paths', 'OFF', 'routing.paths', 'off'],
    ['mesh-load-balancing-hash-on', 'header:X-User', 'loadBalancing.hashOn', 'header:X-User'],
  ]
  for (const [key, text, path, value] of cases) {
    test(`${key}: ${text}`, () => assert.deepEqual(saidOf(path, { [key]: text }), value))
  }
})

describe('a value in meta that is not taken is reported and drops nothing else', () => {
  const cases: [key: string, text: string, code: string, message: RegExp][] = [
    [
      'mesh-timeouts-read-ms',
      'abc',
      'META_INVALID',
      /mesh-timeouts-read-ms must be a whole number .* got "abc"/,
    ],
    ['mesh-timeouts-red-ms', '5', 'META_UNKNOWN', /did you mean mesh-timeouts-read-ms\?/],
    ['mesh-auth-methods', 'jwt', 'META_REFUSED', /write it into KV mesh\/services\/<name>/],
    ['mesh-rate-limit-second', '5', 'META_REFUSED', /mesh-rate-limit-second/],
    ['mesh-intentions-anonymous', 'allow', 'META_REFUSED', /mesh-intentions-anonymous/],
    ['mesh-tls-verify', 'false', 'META_REFUSED', /mesh-tls-verify/],
    ['mesh-overrides-policy', 'revert', 'META_REFUSED', /mesh-overrides-policy/],
    ['mesh-guard-hold-seconds', '0', 'META_REFUSED', /mesh-guard-hold-seconds/],
    ['mesh-routing-allowed', '*', 'META_REFUSED', /mesh-routing-allowed/],
    ['mesh-routing-takeover', 'true', 'META_REFUSED', /mesh-routing-takeover/],
    ['mesh-paths', '~/.*', 'META_INVALID', /must not be a regular expression/],
    ['mesh-hosts', '', 'META_INVALID', /mesh-hosts/],
  ]
  for (const [key, text, code, message] of cases) {
    test(`${key}: ${JSON.stringify(text)}`, () => {
      const { layer, problems } = layerOf({ [key]: text, 'mesh-retries': '9' })
      assert.deepEqual(codesOf(problems), [code])
      assert.match(problems[0]!.message, message)
      assert.deepEqual([...layer], [['retries', 9]])
    })
  }

  test('the same fault of many instances is one problem', () => {
    const metas = Array.from({ length: 5 }, () => ({ 'mesh-retries': 'x' }))
    const { problems } = layerOf(...metas)
    assert.equal(problems.length, 1)
    assert.match(problems[0]!.message, /and 4 more instances/)
  })

  test('meta that is not ours is not looked at', () => {
    assert.deepEqual(layerOf({ version: '1', meshed: 'x' }), { layer: new Map(), problems: [] })
  })
})

describe('instances that differ', () => {
  test('what most of them say holds, and the difference is reported', () => {
    const { layer, problems } = layerOf(
      { 'mesh-retries': '1' },
      { 'mesh-retries': '2' },
      { 'mesh-retries': '2' },
    )
    assert.equal(layer.get('retries'), 2)
    assert.deepEqual(codesOf(problems), ['META_DIFFERS'])
  })

  test('of equally many the first by node and id holds, whatever the order they come in', () => {
    const one = instance(1, { meta: { 'mesh-retries': '1' } })
    const two = instance(2, { meta: { 'mesh-retries': '2' } })
    assert.equal(layerOfMeta('web', [one, two]).layer.get('retries'), 1)
    assert.equal(layerOfMeta('web', [two, one]).layer.get('retries'), 1)
  })

  test('those that say nothing have no vote', () => {
    assert.equal(saidOf('retries', {}, {}, { 'mesh-retries': '5' }), 5)
  })

  test('all their hosts hold, so that a rolling change drops none', () => {
    assert.deepEqual(saidOf('routing.hosts', { 'mesh-hosts': 'b.test' }, { 'mesh-hosts': 'a.test' }), [
      'a.test',
      'b.test',
    ])
  })

  test('one that says expose: true is enough', () => {
    assert.equal(saidOf('expose', { 'mesh-expose': 'false' }, { 'mesh-expose': 'true' }), true)
  })

  test('expose: false must be said by all', () => {
    assert.equal(saidOf('expose', { 'mesh-expose': 'false' }, {}), undefined)
    assert.equal(saidOf('expose', { 'mesh-expose': 'false' }, { 'mesh-expose': 'false' }), false)
  })

  test('weights are of each instance and no difference', () => {
    assert.deepEqual(layerOf({ 'mesh-weight': '5' }, { 'mesh-weight': '50' }), {
      layer: new Map(),
      problems: [],
    })
  })
})

test('meta of one service leaves the settings of another alone', () => {
  const accepted = settingsOf()
  accepted.forService('web', [instance(1, { meta: { 'mesh-retries': '9' } })])
  assert.equal(accepted.forService('api', [instance(2)]).settings.retries, 3)
})

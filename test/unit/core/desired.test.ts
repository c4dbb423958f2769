import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Instance } from '../../../operator/core/catalog.ts'
import { createDesired, desired } from '../../../operator/core/desired.ts'
import { keyOf } from '../../../operator/core/entity.ts'
import {
  applied,
  catalog,
  codesOf,
  desire,
  instance,
  named,
  namesOf,
  OPTIONS,
  settingsOf,
  weightsOf,
  withCheck,
} from './build-mesh.ts'

const one = [instance(1)]

describe('a service in Kong', () => {
  test('is an upstream, its targets, a Kong service, a route by host and one by path', () => {
    const { state } = desire({ web: [instance(1), instance(2)] })
    assert.deepEqual(namesOf(state, 'upstream'), ['web.mesh'])
    assert.deepEqual(namesOf(state, 'target'), ['10.0.0.1:80', '10.0.0.2:80'])
    assert.deepEqual(namesOf(state, 'service'), ['mesh.web'])
    assert.deepEqual(namesOf(state, 'route'), ['mesh.web.host', 'mesh.web.path'])
  })

  test('has the documented timeouts and retries, never those of Kong', () => {
    const fields = named(desire({ web: one }).state, 'service', 'mesh.web')?.fields
    assert.deepEqual(
      [fields?.connect_timeout, fields?.read_timeout, fields?.write_timeout, fields?.retries],
      [1_000, 60_000, 60_000, 3],
    )
    assert.equal(fields?.host, 'web.mesh')
  })

  test('is routed by its host, and by its prefix, which is stripped', () => {
    const { state } = desire({ web: one })
    const host = named(state, 'route', 'mesh.web.host')?.fields
    const path = named(state, 'route', 'mesh.web.path')?.fields
    assert.deepEqual([host?.hosts, host?.paths], [['web.mesh'], null])
    assert.deepEqual([path?.hosts, path?.paths, path?.strip_path], [null, ['/web/'], true])
  })

  test('has passive checks of refused connections and nothing else', () => {
    const fields = named(desire({ web: one }).state, 'upstream', 'web.mesh')!.fields
    const set = Object.entries(fields).filter(
      ([field, value]) => field.startsWith('healthchecks') && value !== 0,
    )
    assert.deepEqual(set, [['healthchecks.passive.unhealthy.tcp_failures', 1]])
  })

  for (const strategy of ['ip_hash', 'random']) {
    test(`is tried until the mark is in effect with ${strategy}, and a timeout marks too`, () => {
      const documents = { 'mesh/services/web': { loadBalancing: { strategy } } }
      const { state } = desire({ web: one }, { documents })
      assert.equal(named(state, 'service', 'mesh.web')?.fields.retries, 10)
      const { fields } = named(state, 'upstream', 'web.mesh')!
      assert.equal(fields['healthchecks.passive.unhealthy.timeouts'], 1)
    })

    test(`is not retried with ${strategy} when retries are off`, () => {
      const documents = { 'mesh/services/web': { loadBalancing: { strategy }, retries: 0 } }
      const { state } = desire({ web: one }, { documents })
      assert.equal(named(state, 'service', 'mesh.web')?.fields.retries, 0)
    })
  }

  test('has active probes when asked', () => {
    const documents = {
      'mesh/services/web': { healthChecks: { active: { httpPath: '/ready', intervalSeconds: 3 } } },
    }
    const fields = named(desire({ web: one }, { documents }).state, 'upstream', 'web.mesh')!.fields
    assert.equal(fields['healthchecks.active.http_path'], '/ready')
    assert.equal(fields['healthchecks.active.healthy.interval'], 3)
    assert.equal(fields['healthchecks.active.unhealthy.interval'], 3)
  })

  test('carries the tags of its owner and of what was applied', () => {
    const target = named(desire({ 'a.b': one }).state, 'target', '10.0.0.1:80')!
    assert.deepEqual(target.tags.slice(0, 3), [
      'managed-by:kongsul',
      'kongsul.mesh:default',
      'kongsul.service:a_2eb',
    ])
    assert.match(target.tags[3]!, /^kongsul\.applied:name=[0-9a-f]{8};weight=[0-9a-f]{8}$/)
    assert.equal(target.owner, 'a.b')
  })

  test('of which none can be a target leaves a service out of Kong, and is reported', () => {
    const { state, services, problems } = desire({ web: [instance(1, { address: 'not a host' })] })
    assert.equal(state.size, 0)
    assert.equal(services[0]?.exposed, false)
    assert.match(services[0]!.instances[0]!.reason, /not a host/)
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['ADDRESS_INVALID'],
    )
  })

  test('may share an ip:port with another service', () => {
    const { state, problems } = desire({ web: one, api: one })
    assert.equal(namesOf(state, 'target').length, 2)
    assert.deepEqual(problems, [])
  })
})

describe('load balancing', () => {
  const cases: [strategy: string, hashOn: string | undefined, fields: Record<string, unknown>][] = [
    ['round_robin', undefined, { algorithm: 'round-robin', hash_on: 'none', hash_fallback: 'none' }],
    ['weighted', undefined, { algorithm: 'round-robin', hash_on: 'none' }],
    ['least_connections', undefined, { algorithm: 'least-connections', hash_on: 'none' }],
    ['ip_hash', undefined, { algorithm: 'consistent-hashing', hash_on: 'ip', hash_fallback: 'none' }],
    [
      'random',
      undefined,
      {
        algorithm: 'consistent-hashing',
        hash_on: 'header',
        hash_on_header: 'traceparent',
        hash_fallback: 'ip',
      },
    ],
    ['ip_hash', 'header:X-User-Id', { hash_on: 'header', hash_on_header: 'x_user_id', hash_fallback: 'ip' }],
    ['ip_hash', 'cookie:session', { hash_on: 'cookie', hash_on_cookie: 'session', hash_fallback: 'none' }],
    ['ip_hash', 'query:user', { hash_on: 'query_arg', hash_on_query_arg: 'user', hash_fallback: 'ip' }],
    ['ip_hash', 'path', { hash_on: 'path', hash_fallback: 'ip' }],
  ]
  for (const [strategy, hashOn, fields] of cases) {
    test(`${strategy}${hashOn ? ` on ${hashOn}` : ''}`, () => {
      const documents = {
        'mesh/services/web': { loadBalancing: { strategy, ...(hashOn ? { hashOn } : {}) } },
      }
      const found = named(desire({ web: one }, { documents }).state, 'upstream', 'web.mesh')!.fields
      assert.deepEqual(Object.fromEntries(Object.keys(fields).map((key) => [key, found[key]])), fields)
    })
  }

  test('hashOn without ip_hash is reported', () => {
    const documents = { 'mesh/services/web': { loadBalancing: { hashOn: 'path' } } }
    assert.deepEqual(codesOf(desire({ web: one }, { documents }).problems), ['HASH_ON_UNUSED'])
  })

  test('retries: 0 is reported', () => {
    const documents = { 'mesh/services/web': { retries: 0 } }
    assert.deepEqual(codesOf(desire({ web: one }, { documents }).problems), ['RETRIES_OFF'])
  })
})

describe('protocols', () => {
  test('grpc gets routes for grpc, without strip_path and without a prefix', () => {
    const { state } = desire({ web: [instance(1, { meta: { 'mesh-protocol': 'grpc' } })] })
    assert.deepEqual(namesOf(state, 'route'), ['mesh.web.host'])
    const { fields } = named(state, 'route', 'mesh.web.host')!
    assert.deepEqual([fields.protocols, fields.strip_path], [['grpc', 'grpcs'], false])
    assert.equal(named(state, 'service', 'mesh.web')?.fields.protocol, 'grpc')
  })

  test('own paths of a gRPC service are not stripped, which Kong would refuse', () => {
    const documents = { 'mesh/services/web': { protocol: 'grpcs', routing: { paths: ['/pkg.Service/'] } } }
    const { state } = desire({ web: one }, { documents })
    assert.equal(named(state, 'route', 'mesh.web.path')?.fields.strip_path, false)
  })

  test('https is spoken to the instances, http and https to clients', () => {
    const { state } = desire({ web: [instance(1, { meta: { 'mesh-protocol': 'https' } })] })
    assert.equal(named(state, 'service', 'mesh.web')?.fields.protocol, 'https')
    assert.deepEqual(named(state, 'route', 'mesh.web.host')?.fields.protocols, ['http', 'https'])
  })
})

describe('what is not for Kong', () => {
  const cases: [what: string, service: string, instances: Instance[], reason: RegExp][] = [
    ['Consul itself', 'consul', one, /Consul's own servers/],
    [
      'sidecar proxies',
      'web-sidecar-proxy',
      [instance(1, { kind: 'connect-proxy' })],
      /sidecar proxies and gateways/,
    ],
    ['gateways', 'ingress', [instance(1, { kind: 'ingress-gateway' })], /sidecar proxies and gateways/],
    ['tcp', 'db', [instance(1, { meta: { 'mesh-protocol': 'tcp' } })], /tcp is not routed/],
    ['a service without ports', 'job', [instance(1, { port: 0 })], /no instance has a port/],
  ]
  for (const [what, service, instances, reason] of cases) {
    test(`${what}: nothing is written, and the report says why`, () => {
      const { state, services } = desire({ [service]: instances })
      assert.equal(state.size, 0)
      assert.equal(services[0]?.exposed, false)
      assert.match(services[0]!.exposureReason, reason)
    })
  }

  test('a proxy among the instances of a service is left out', () => {
    const { state } = desire({ web: [instance(1), instance(2, { kind: 'connect-proxy' })] })
    assert.deepEqual(namesOf(state, 'target'), ['10.0.0.1:80'])
  })

  test('a name without instances is no service', () => {
    assert.deepEqual(desire({ web: [] }), desire({}))
  })
})

describe('exposure', () => {
  const tagged = { exposeDefault: 'tagged' } as const
  const yes = { tags: ['kongsul.enable=true'] }
  const no = { tags: ['kongsul.enable=false'] }
  const cases: [
    what: string,
    instances: Instance[],
    mode: 'tagged' | 'all',
    document: object | null,
    exposed: boolean,
  ][] = [
    ['tagged: a service that says nothing is not', one, 'tagged', null, false],
    ['tagged: the tag opts in', [instance(1, yes)], 'tagged', null, true],
    ['tagged: the tag of one instance is enough', [instance(1), instance(2, yes)], 'tagged', null, true],
    ['tagged: meta opts in', [instance(1, { meta: { 'mesh-expose': 'true' } })], 'tagged', null, true],
    ['tagged: KV opts in', one, 'tagged', { expose: true }, true],
    ['all: a service that says nothing is', one, 'all', null, true],
    ['all: meta of all opts out', [instance(1, { meta: { 'mesh-expose': 'false' } })], 'all', null, false],
    [
      'all: meta of one instance does not opt out the others',
      [instance(1, { meta: { 'mesh-expose': 'false' } }), instance(2)],
      'all',
      null,
      true,
    ],
    ['all: the tag of all opts out', [instance(1, no)], 'all', null, false],
    ['KV beats the tag', [instance(1, yes)], 'all', { expose: false }, false],
    [
      'KV opt-in beats meta',
      [instance(1, { meta: { 'mesh-expose': 'false' } })],
      'tagged',
      { expose: true },
      true,
    ],
    ['a service that is not enabled is not', one, 'all', { enabled: false }, false],
  ]
  for (const [what, instances, exposeDefault, document, exposed] of cases) {
    test(what, () => {
      const documents = document === null ? {} : { 'mesh/services/web': document }
      const { services } = desire({ web: instances }, { documents, options: { exposeDefault } })
      assert.equal(services[0]?.exposed, exposed)
    })
  }

  test('expose.default in KV beats what the process was started with', () => {
    const documents = { 'mesh/defaults': { expose: { default: 'tagged' } } }
    assert.equal(desire({ web: one }, { documents }).services[0]?.exposed, false)
  })

  test('what is not exposed has everything but routes, and is told how to be', () => {
    const { state, services } = desire({ web: one }, { options: tagged })
    assert.deepEqual(namesOf(state, 'route'), [])
    assert.deepEqual(namesOf(state, 'service'), ['mesh.web'])
    assert.match(services[0]!.exposureReason, /kongsul\.enable=true/)
  })

  test("the operator's own service gets no routes", () => {
    const { state } = desire({ 'kongsul-operator': [instance(1, yes)] })
    assert.deepEqual(namesOf(state, 'route'), [])
  })

  test('a service that is not enabled is switched off in Kong, not removed', () => {
    const documents = { 'mesh/services/web': { enabled: false } }
    const { state } = desire({ web: one }, { documents })
    assert.equal(named(state, 'service', 'mesh.web')?.fields.enabled, false)
  })
})

describe('when every instance is critical', () => {
  test('the weights that Kong has stay, and the service is flagged', () => {
    const healthy = desire({ web: [withCheck(1, 'passing'), withCheck(2, 'critical')] })
    const { state, services } = desire(
      { web: [withCheck(1, 'critical'), withCheck(2, 'critical')] },
      { actual: applied(healthy.state) },
    )
    assert.deepEqual(weightsOf(state), { '10.0.0.1:80': 100, '10.0.0.2:80': 0 })
    assert.equal(services[0]?.keptAtLastWeights, true)
  })

  test('those decided before stand in for a Kong that lost its data', () => {
    const remembering = createDesired()
    const input = (status: 'passing' | 'critical') => ({
      snapshot: catalog({ web: [withCheck(1, status), withCheck(2, 'critical')] }),
      settings: settingsOf(),
      options: OPTIONS,
      actual: new Map(),
    })
    remembering(input('passing'))
    assert.deepEqual(weightsOf(remembering(input('critical')).state), {
      '10.0.0.1:80': 100,
      '10.0.0.2:80': 0,
    })
  })

  test('a new service gets no traffic before a check has passed', () => {
    const { state, services } = desire({ web: [withCheck(1, 'critical')] })
    assert.deepEqual(weightsOf(state), { '10.0.0.1:80': 0 })
    assert.equal(services[0]?.keptAtLastWeights, false)
  })
})

describe('remembering', () => {
  const settings = settingsOf()
  const input = (services: Record<string, readonly Instance[]>) => ({
    snapshot: catalog(services),
    settings,
    options: OPTIONS,
    actual: new Map(),
  })
  const web = [instance(1)]
  const api = [instance(2)]

  test('gives the answer of a fresh call through joining, changing and leaving', () => {
    const remembering = createDesired()
    const steps = [
      { web, api },
      { web: [instance(1), instance(3)], api },
      { web, api, Web: [instance(4)] },
      { api },
      { web, api, consul: [instance(5)] },
      {},
      { web },
    ]
    for (const services of steps) assert.deepEqual(remembering(input(services)), desired(input(services)))
  })

  test('keeps the very entities of what did not change', () => {
    const remembering = createDesired()
    const before = remembering(input({ web, api })).state
    const after = remembering(input({ web: [instance(7)], api })).state
    const name = 'mesh.api'
    assert.equal(named(after, 'service', name), named(before, 'service', name))
  })

  test('keeps the very entities of a service but for the target that weighs otherwise', () => {
    const remembering = createDesired()
    const other = instance(8)
    const before = remembering(input({ web: [withCheck(1, 'passing'), other], api })).state
    const after = remembering(input({ web: [withCheck(1, 'critical'), other], api })).state
    const made = [...after.values()].filter((entity) => before.get(keyOf(entity)) !== entity)
    assert.deepEqual(
      made.map(({ kind, name }) => [kind, name]),
      [['target', '10.0.0.1:80']],
    )
  })

  test('gives the same state when nothing changed', () => {
    const remembering = createDesired()
    assert.equal(remembering(input({ web, api })).state, remembering(input({ web, api })).state)
  })

  test('decides anew when the mesh is called otherwise', () => {
    const remembering = createDesired()
    remembering(input({ web }))
    const options = { ...OPTIONS, hostSuffix: 'internal' }
    const renamed = remembering({ ...input({ web }), options })
    assert.deepEqual(renamed, desired({ ...input({ web }), options }))
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KongState } from '../../../operator/core/entity.ts'
import { acceptEntries } from '../../../operator/core/policy/config-entries.ts'
import { kongOutcome, kongRouter } from '../../support/policy/kong-outcome.ts'
import { check, codesOf, named, namesOf, weightsOf } from '../core/build-mesh.ts'
import { desireWith, resolver, router, splitter, VERSIONS, versioned } from './build-policies.ts'

const services = {
  web: [versioned(1, 'v1'), versioned(2, 'v2')],
  api: [versioned(3, 'v1')],
}
const route = (match: object, destination: object) => ({ Match: { HTTP: match }, Destination: destination })

describe('an entry', () => {
  test('that does not validate leaves the last good one in force and says why', () => {
    const good = splitter('web', { Weight: 100, ServiceSubset: 'v1' })
    const first = acceptEntries(null, new Map([['service-splitter', [good]]]))
    const bad = splitter('web', { Weight: 50, ServiceSubset: 'v1' })
    const second = acceptEntries(first, new Map([['service-splitter', [bad]]]))
    assert.equal(second.entries, first.entries)
    assert.match(
      second.problems[0]!.message,
      /Splits must have weights that add up to 100; the last good entry stays/,
    )
  })

  test('with a field nobody knows is used without it, which is told', () => {
    const strange = { ...splitter('web', { Weight: 100, ServiceSubset: 'v1', Colour: 'red' }), Later: 1 }
    const { entries, problems } = acceptEntries(null, new Map([['service-splitter', [strange]]]))
    assert.ok(entries.splitters.has('web'))
    assert.match(problems[0]!.message, /Later, Splits\[0\]\.Colour is not known/)
  })

  test('with null for what nobody gave is as if it were not there', () => {
    const raw = {
      ...router('web', { Match: { HTTP: { Header: null, Methods: null } }, Destination: null }),
      Meta: null,
    }
    assert.deepEqual(acceptEntries(null, new Map([['service-router', [raw]]])).problems, [])
  })

  test('gives durations as Go writes them', () => {
    const { state } = desireWith(
      { 'service-resolver': [resolver('web', { ConnectTimeout: '1m0.5s', RequestTimeout: 2_000_000_000 })] },
      services,
    )
    const { fields } = named(state, 'service', 'mesh.web')!
    assert.deepEqual([fields.connect_timeout, fields.read_timeout], [60_500, 2_000])
  })

  test('with a negative timeout of Consul 1.18 lets requests take as long as Kong can wait', () => {
    const { state, problems } = desireWith(
      {
        'service-router': [
          router(
            'web',
            route({ PathPrefix: '/x' }, { Service: 'api', RequestTimeout: '-1s', IdleTimeout: '-1s' }),
          ),
        ],
        'service-resolver': [resolver('api', { RequestTimeout: -1_000_000_000 })],
      },
      services,
    )
    assert.deepEqual(problems, [])
    const toApi = [...state.values()].filter(
      ({ kind, fields }) => kind === 'service' && fields.host === 'api.mesh',
    )
    assert.deepEqual([...new Set(toApi.map(({ fields }) => fields.read_timeout))], [2_147_483_646])
  })

  test('with one field that Kong cannot take costs what the field is about, and nothing of its other routes', () => {
    const { state, problems } = desireWith(
      {
        'service-router': [
          router(
            'web',
            route({ PathPrefix: '/relative' }, { Service: 'api', PrefixRewrite: 'new' }),
            route({ PathPrefix: '/search', Methods: ['GET', 'M-SEARCH'] }, { Service: 'api' }),
            route({ PathPrefix: '/only', Methods: ['M-SEARCH'] }, { Service: 'api' }),
            route({ PathPrefix: '/good' }, { Service: 'api' }),
          ),
        ],
      },
      services,
    )
    const told = problems.map(({ message }) => message).join('\n')
    assert.match(told, /Routes\[0\]\.Destination\.PrefixRewrite is no path for Kong; the path is sent on/)
    assert.match(
      told,
      /Routes\[1\]\.Match\.HTTP\.Methods has M-SEARCH, which Kong cannot match; it is left out/,
    )
    assert.match(told, /Routes\[2\]\.Match\.HTTP\.Methods has M-SEARCH, .*; the route is left out/)
    assert.equal(problems.length, 3, told)
    assert.deepEqual(whereFrom(state, ['/relative', '/search', '/only', '/good']), [
      'api',
      'api',
      'web',
      'api',
    ])
  })

  test('never makes a route wider than it is by a condition that nobody knows', () => {
    const odd = (Match: object) => ({ Match, Destination: { Service: 'api' } })
    const { state, problems } = desireWith(
      {
        'service-router': [
          router(
            'web',
            odd({ HTTP: { PathPrefix: '/a', Hostnames: ['x'] } }),
            odd({ HTTP: { PathPrefix: '/b', Header: [{ Name: 'x-a', Present: true, Contains: 'x' }] } }),
            odd({ GRPC: { Method: 'x' } }),
            odd({ HTTP: { PathPrefix: '/d', Hostnames: [], Later: { Deep: '' } } }),
          ),
        ],
      },
      services,
    )
    assert.deepEqual(
      problems.map(({ code, message }) => `${code} ${/Routes\S+/.exec(message)?.[0]}`),
      [
        'ENTRY_UNSUPPORTED Routes[0].Match.HTTP.Hostnames',
        'ENTRY_UNSUPPORTED Routes[1].Match.HTTP.Header[0].Contains',
        'ENTRY_UNSUPPORTED Routes[2].Match.GRPC',
      ],
    )
    assert.deepEqual(whereFrom(state, ['/a', '/b', '/c', '/d'], { 'x-a': '1' }), ['web', 'web', 'web', 'api'])
  })

  test('that Kong cannot do as a whole is a warning while others serve, an error where requests get a wrong path', () => {
    const { problems } = desireWith(
      {
        'service-router': [
          router(
            'web',
            route({ PathPrefix: '/a', QueryParam: [{ Name: 'x', Present: true }] }, { Service: 'api' }),
            route({ PathPrefix: '/b', Methods: ['GET', 'M-SEARCH'] }, { Service: 'api' }),
            { Match: { HTTP: { PathPrefix: '/c', Hostnames: ['x'] } }, Destination: { Service: 'api' } },
            route({ PathPrefix: '/d' }, { Service: 'api', PrefixRewrite: '/a//b' }),
          ),
        ],
        'service-resolver': [
          resolver('web', { Failover: { '*': { Datacenters: ['dc9'] } } }),
          resolver('api', { Redirect: { Service: 'web', Datacenter: 'dc9' } }),
        ],
      },
      services,
    )
    const told = problems
      .filter(({ code }) => code === 'ENTRY_UNSUPPORTED')
      .map(({ severity, message }) => `${severity} ${/: (\S+)/.exec(message)?.[1]}`)
    // The redirect concerns both services.
    assert.deepEqual([...new Set(told)].sort(), [
      'error Routes[3].Destination.PrefixRewrite',
      'warning Failover[*].Datacenters',
      'warning Redirect.Datacenter',
      'warning Routes[0].Match.HTTP.QueryParam',
      'warning Routes[1].Match.HTTP.Methods',
      'warning Routes[2].Match.HTTP.Hostnames',
    ])
  })
})

/** Who gets GET requests for these paths at web.mesh. */
function whereFrom(state: KongState, paths: readonly string[], headers: Record<string, string> = {}) {
  const kong = kongRouter(state)
  const isOf = (name: string, target: string) =>
    services[name as 'web'].some(({ address, port }) => `${address}:${port}` === target)
  return paths.map((path) => {
    const [target = ''] =
      kongOutcome(state, kong, { method: 'GET', path, headers }, 'web.mesh')?.parts.keys() ?? []
    return Object.keys(services).find((name) => isOf(name, target))
  })
}

describe('what is not there', () => {
  test('costs a route of the router nothing but that route', () => {
    const { state, problems } = desireWith(
      { 'service-router': [router('web', route({ PathPrefix: '/x' }, { Service: 'nowhere' }))] },
      services,
    )
    assert.deepEqual(
      namesOf(state, 'route').filter((name) => name.startsWith('mesh.web')),
      ['mesh.web.host', 'mesh.web.path'],
    )
    assert.deepEqual(codesOf(problems), ['ENTRY_TARGET_UNKNOWN'])
  })

  test('a subset that nobody is in is told when a route leads there', () => {
    const Subsets = { ...VERSIONS.Subsets, v3: { Filter: 'Service.Meta.version == v3' } }
    const lists = {
      'service-resolver': [resolver('web', { Subsets })],
      'service-router': [router('web', route({ PathPrefix: '/x' }, { ServiceSubset: 'v3' }))],
    }
    const { problems } = desireWith(lists, services)
    assert.deepEqual(codesOf(problems), ['SUBSET_EMPTY'])
    assert.match(problems[0]!.message, /^subset v3 of web has no instance/)
    const there = { ...services, web: [...services.web, versioned(4, 'v3')] }
    assert.deepEqual(desireWith(lists, there).problems, [])
  })

  test('a path that Kong takes only escaped is matched as it is asked for, and sent on so', () => {
    const lists = {
      'service-router': [
        router(
          'web',
          route({ PathExact: '/a%20b' }, { Service: 'api' }),
          route({ PathPrefix: '/ü/' }, { Service: 'api' }),
          route({ PathExact: '/x?y' }, { Service: 'api' }),
        ),
      ],
    }
    const { state, problems } = desireWith(lists, services)
    assert.match(
      problems.map(({ message }) => message).join(),
      /^[^,]+Routes\[2\].Match.HTTP.PathExact has \? or #/,
    )
    const kong = kongRouter(state)
    for (const [path, to] of [
      ['/a%20b', 'api'],
      ['/%C3%BC/x', 'api'],
      ['/a%20c', 'web'],
    ] as const) {
      for (const [host, at] of [
        ['web.mesh', ''],
        ['other.test', '/web'],
      ] as const) {
        const asked = { method: 'GET', path: `${at}${path}`, headers: {} }
        const found = kongOutcome(state, kong, asked, host)!
        const instances = services[to].map(({ address, port }) => `${address}:${port}`)
        assert.deepEqual([[...found.parts.keys()], found.path], [instances, path], `${host} ${path}`)
      }
    }
  })

  test('a circle of splitters is cut, and the rest is served', () => {
    const { state, problems } = desireWith(
      {
        'service-splitter': [
          splitter('web', { Weight: 50 }, { Weight: 50, Service: 'api' }),
          splitter('api', { Weight: 50 }, { Weight: 50, Service: 'web' }),
        ],
      },
      services,
    )
    assert.ok(codesOf(problems).includes('ENTRY_CYCLE'))
    assert.ok(namesOf(state, 'upstream').includes('_split.web.mesh'))
  })

  test('a circle of redirects is not followed', () => {
    const { state, problems } = desireWith(
      {
        'service-resolver': [
          resolver('web', { Redirect: { Service: 'api' } }),
          resolver('api', { Redirect: { Service: 'web' } }),
        ],
      },
      services,
    )
    assert.ok(codesOf(problems).includes('ENTRY_CYCLE'))
    assert.ok(namesOf(state, 'route').includes('mesh.web.host'))
  })

  test('another data centre is refused by name and its failover left out', () => {
    const { problems } = desireWith(
      { 'service-resolver': [resolver('web', { Failover: { '*': { Datacenters: ['dc2'] } } })] },
      services,
    )
    assert.match(problems[0]!.message, /Failover\[\*\]\.Datacenters is not supported/)
  })
})

describe('what Kong cannot do', () => {
  const cases: [what: string, match: object, destination: object, expected: RegExp][] = [
    [
      'query parameters',
      { QueryParam: [{ Name: 'q', Present: true }] },
      {},
      /Routes\[0\]\.Match\.HTTP\.QueryParam/,
    ],
    [
      'inverted headers',
      { Header: [{ Name: 'x', Present: true, Invert: true }] },
      {},
      /Header\[0\].Invert needs/,
    ],
    ['retries of answers', {}, { RetryOnStatusCodes: [503] }, /RetryOnStatusCodes has no effect/],
    ['idle timeouts', {}, { IdleTimeout: '3s' }, /IdleTimeout has no effect/],
    [
      "Envoy's variables",
      {},
      { RequestHeaders: { Set: { 'x-a': '%HOSTNAME%' } } },
      /RequestHeaders\.Set\.x-a uses/,
    ],
  ]
  for (const [what, match, destination, expected] of cases) {
    test(`${what} are told with entry and field`, () => {
      const { problems } = desireWith(
        { 'service-router': [router('web', route({ PathPrefix: '/x', ...match }, destination))] },
        services,
      )
      assert.match(problems.map(({ message }) => message).join('\n'), expected)
    })
  }
})

describe('what an entry says', () => {
  test('a redirect that leads to nothing after a further one is told, and its service serves itself', () => {
    const { problems, state } = desireWith(
      {
        'service-resolver': [
          resolver('web', { Redirect: { Service: 'api', ServiceSubset: 'v1' } }),
          resolver('api', { Redirect: { Service: 'shop', Datacenter: 'dc2' } }),
        ],
      },
      { web: [versioned(1, 'v1')], api: [versioned(2, 'v1')] },
    )
    assert.ok(
      problems.some(
        ({ code, message }) =>
          code === 'ENTRY_TARGET_UNKNOWN' && message.startsWith('service-resolver web: Redirect: '),
      ),
      JSON.stringify(problems),
    )
    const own = [...state.values()].find(({ kind, name }) => kind === 'service' && name === 'mesh.web')
    assert.equal(own?.fields['host'], 'web.mesh')
  })

  test('a redirected name without instances is reachable and leads to the other service', () => {
    const { state } = desireWith(
      { 'service-resolver': [resolver('old', { Redirect: { Service: 'api' } })] },
      services,
    )
    assert.deepEqual(named(state, 'route', 'mesh.old.host')?.fields.hosts, ['old.mesh'])
    assert.equal(named(state, 'service', 'mesh.old')?.fields.host, 'api.mesh')
  })

  test('headers are changed by the plugins of the Kong service of the route', () => {
    const { state } = desireWith(
      {
        'service-router': [
          router(
            'web',
            route(
              { PathPrefix: '/x' },
              {
                RequestHeaders: { Set: { 'x-a': '1' }, Remove: ['x-b'] },
                ResponseHeaders: { Add: { 'x-c': '2' } },
              },
            ),
          ),
        ],
      },
      services,
    )
    const request = named(state, 'plugin', 'request-transformer')!.fields
    assert.deepEqual(
      [request['config.replace.headers'], request['config.add.headers'], request['config.remove.headers']],
      [['x-a:1'], ['x-a:1'], ['x-b']],
    )
    assert.deepEqual(named(state, 'plugin', 'response-transformer')!.fields['config.append.headers'], [
      'x-c:2',
    ])
  })

  test('a new weight of a splitter changes weights of targets alone', () => {
    const lists = (first: number) => ({
      'service-resolver': [resolver('web', VERSIONS)],
      'service-splitter': [
        splitter('web', { Weight: first, ServiceSubset: 'v1' }, { Weight: 100 - first, ServiceSubset: 'v2' }),
      ],
    })
    const one = desireWith(lists(90), services).state
    for (const first of [80, 100, 0]) {
      const other = desireWith(lists(first), services).state
      const differing = [...one].filter(
        ([key, entity]) => JSON.stringify(entity) !== JSON.stringify(other.get(key)),
      )
      assert.deepEqual([...one.keys()], [...other.keys()], String(first))
      assert.deepEqual([...new Set(differing.map(([, { kind }]) => kind))], ['target'], String(first))
    }
  })

  test('a leg without weight gets nothing whoever fails, decides about nothing and is told of nothing', () => {
    const lists = (last: object) => ({
      'service-resolver': [resolver('web', VERSIONS)],
      'service-splitter': [splitter('web', { Weight: 100, ServiceSubset: 'v1' }, { Weight: 0, ...last })],
    })
    const dead = {
      ...services,
      web: [versioned(1, 'v1', { checks: [check('critical')] }), versioned(2, 'v2')],
    }
    for (const there of [services, dead]) {
      const { state, problems } = desireWith(lists({ ServiceSubset: 'v2' }), there)
      const upstream = named(state, 'upstream', '_split.web.mesh')!
      const weights = [...state.values()].filter(({ parent }) => parent === upstream.id)
      assert.deepEqual(
        weights.flatMap(({ name, fields }) => (Number(fields.weight) > 0 ? [name] : [])),
        ['10.0.0.1:80'],
      )
      assert.deepEqual(
        codesOf(problems).filter((code) => code.startsWith('ENTRY')),
        [],
      )
    }
    for (const Service of ['nowhere', 'api']) {
      const { problems } = desireWith(lists({ Service }), services, {
        'mesh/services/api': { protocol: 'https' },
      })
      assert.deepEqual(problems, [])
    }
  })

  test('nothing of a service that no entry names changes', () => {
    const plain = desireWith({}, services)
    const shaped = desireWith({ 'service-resolver': [resolver('web', VERSIONS)] }, services)
    assert.deepEqual(shaped.groups.get('api'), plain.groups.get('api'))
    assert.deepEqual(weightsOf(shaped.state, 'api'), weightsOf(plain.state, 'api'))
  })
})

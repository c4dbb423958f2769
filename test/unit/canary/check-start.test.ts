import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { checkStart, type StartFacts } from '../../../operator/core/canary/check-start.ts'
import { subsetInstances } from '../../../operator/core/canary/subset-instances.ts'

const RESOLVER = { Kind: 'service-resolver', Name: 'web', DefaultSubset: 'v1', Subsets: { v1: {}, v2: {} } }
const facts = (changed: Partial<StartFacts> = {}, resolver: object | null = RESOLVER): StartFacts => ({
  entries: {
    resolvers: new Map(resolver === null ? [] : [['web', resolver as typeof RESOLVER]]),
    protocols: new Map([['web', 'http']]),
    protocol: null,
  },
  splits: null,
  hasDefaults: true,
  createDefaults: false,
  fault: null,
  ...changed,
})
const web = { service: 'web', to: 'v2' }

test('with a resolver, its subset and protocol http a canary can begin', () => {
  deepEqual(checkStart(web, facts()), { ok: true, createsDefaults: false })
})

const REFUSED: readonly [string, StartFacts, RegExp][] = [
  [
    'no resolver',
    facts({}, null),
    /^Consul has no service-resolver web: write one with DefaultSubset and Subsets = \{ v2 =/,
  ],
  [
    'no such subset',
    facts({}, { ...RESOLVER, Subsets: { v1: {} } }),
    /^service-resolver web has only v1: add Subsets = \{ v2 =/,
  ],
  ['a redirect', facts({}, { ...RESOLVER, Redirect: { Service: 'api' } }), /redirects to api/],
  [
    'no default subset',
    facts({}, { ...RESOLVER, DefaultSubset: undefined }),
    /has no DefaultSubset, .*: set it, or write/,
  ],
  [
    'the default subset',
    facts({}, { ...RESOLVER, DefaultSubset: 'v2' }),
    /v2 is the DefaultSubset of service-resolver web already/,
  ],
  [
    'all requests already',
    facts({ splits: [{ Weight: 100, ServiceSubset: 'v2' }] }),
    /gives v2 all requests already/,
  ],
  [
    'nobody healthy',
    facts({ fault: 'no instance of subset v2 of web is healthy' }),
    /no instance of subset v2/,
  ],
]
for (const [what, given, message] of REFUSED) {
  test(`a canary to ${what} is refused, naming the entry`, () => {
    const check = checkStart(web, given)
    equal(check.ok, false)
    match((check as { message: string }).message, message)
  })
}

test('service-defaults is written only when asked for, and only where there is none', () => {
  const entries = { ...facts().entries, protocols: new Map() }
  const ask = (hasDefaults: boolean, createDefaults: boolean) =>
    checkStart(web, facts({ entries, hasDefaults, createDefaults }))
  match(
    (ask(false, false) as { message: string }).message,
    /write service-defaults web with Protocol = "http", or let it be written/,
  )
  deepEqual(ask(false, true), { ok: true, createsDefaults: true })
  match((ask(true, true) as { message: string }).message, /set Protocol = "http" in service-defaults web/)
  const split = facts({ entries, splits: [{ Weight: 100, ServiceSubset: 'v1' }] })
  deepEqual(checkStart(web, split), { ok: true, createsDefaults: false })
})

test('instances of a subset are those of its filter, and it cannot serve without a healthy one that is not ejected', () => {
  const instance = { node: 'n', id: 'web-2', kind: '' }
  const resolvers = new Map([['web', { Subsets: { v2: { Filter: 'x' } } }]])
  const members = { of: () => new Set(['n\u0000web-2']) }
  const snapshot = { services: new Map([['web', [instance]]]), policies: { entries: { resolvers }, members } }
  const of = (subset: string, health: string, isEjected = false) =>
    subsetInstances(
      'web',
      subset,
      snapshot as never,
      [
        { ...instance, target: '10.0.0.2:80', health } as never,
        { ...instance, id: 'web-1', target: '10.0.0.1:80', health: 'healthy' } as never,
      ],
      () => isEjected,
    )!
  deepEqual([[...of('v2', 'healthy').targets], of('v2', 'healthy').fault], [['10.0.0.2:80'], null])
  match(of('v2', 'unhealthy').fault!, /no instance of subset v2 of web is healthy/)
  match(of('v2', 'degraded', true).fault!, /circuit breaker keeps every instance/)
  match(of('v3', 'healthy').fault!, /has no subset v3 any more/)
})

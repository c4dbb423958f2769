import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Instance } from '../../../operator/core/catalog.ts'
import { interpret, type Raw } from '../../support/policy/interpret-chain.ts'
import { kongOutcome, kongRouter } from '../../support/policy/kong-outcome.ts'
import { check } from '../core/build-mesh.ts'
import { desireWith, resolver, router, splitter, VERSIONS, versioned } from './build-policies.ts'

const SERVICES = ['web', 'api', 'shop'] as const
/** Names without instances, which only redirects give a meaning. */
const OLD = ['old', 'older'] as const

type Health = 'passing' | 'warning' | 'critical'

const path = fc.constantFrom(
  '/',
  '/admin',
  '/admin/',
  '/admin/x',
  '/adminx',
  '/v1/items',
  '/v2',
  '/admin/x/y',
  '/ADMIN/x',
  '/a%20b/%C3%BC',
)
const prefix = fc.constantFrom('/', '/admin', '/admin/', '/admin/x', '/v', '/a%20')
const headerMatch = fc.oneof(
  fc.record({ Name: fc.constantFrom('x-a', 'X-B', 'x-c'), Exact: fc.constantFrom('one', 'two') }),
  fc.record({ Name: fc.constantFrom('x-a', 'x-b'), Prefix: fc.constantFrom('o', 't') }),
  fc.record({ Name: fc.constantFrom('x-a', 'x-b'), Suffix: fc.constantFrom('ne', 'o') }),
  fc.record({ Name: fc.constantFrom('x-a', 'x-b'), Regex: fc.constantFrom('o.*', '(one|two)') }),
  fc.record({ Name: fc.constantFrom('x-a', 'x-b', 'x-c'), Present: fc.constant(true) }),
)
const match = fc.record(
  {
    path: fc.oneof(
      prefix.map((PathPrefix) => ({ PathPrefix })),
      path.map((PathExact) => ({ PathExact })),
      fc.constantFrom('/v[0-9]/.*', '/admin(/.*)?', '/a.*|/v2').map((PathRegex) => ({ PathRegex })),
    ),
    Header: fc.uniqueArray(headerMatch, { maxLength: 2, selector: ({ Name }) => Name.toLowerCase() }),
    Methods: fc.uniqueArray(fc.constantFrom('GET', 'POST', 'PUT'), { maxLength: 2 }),
    CaseInsensitive: fc.boolean(),
    QueryParam: fc.array(fc.constant({ Name: 'q', Present: true }), { maxLength: 1 }),
  },
  { requiredKeys: [] },
)
const target = fc.record(
  {
    Service: fc.constantFrom('api', 'shop', 'old', 'nowhere'),
    ServiceSubset: fc.constantFrom('v1', 'v2', 'v9'),
  },
  { requiredKeys: [] },
)
const rewrite = fc.option(fc.constantFrom('/', '/new', '/new/', '/n%20w/'), { nil: undefined })
const route = fc.tuple(match, target, rewrite).map(([{ path: where, ...rest }, to, PrefixRewrite]) => ({
  Match: { HTTP: { ...where, ...rest } },
  Destination: {
    ...to,
    ...(PrefixRewrite === undefined || where === undefined || 'PathRegex' in where ? {} : { PrefixRewrite }),
  },
}))
/** Whole percents: splits of splits are rounded to a hundredth of one, as Consul does it. */
const splits = (names: readonly string[]) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: 100 }),
      fc.record({ Service: fc.constantFrom(...names), ServiceSubset: fc.constantFrom('', 'v1', 'v2', 'v9') }),
      fc.record({ Service: fc.constantFrom(...names), ServiceSubset: fc.constantFrom('', 'v1', 'v2') }),
    )
    .map(([share, one, other]) => [
      { ...one, Weight: share },
      { ...other, Weight: 100 - share },
    ])
const failover = fc.record({
  Service: fc.constantFrom('', 'shop', 'old', 'nowhere'),
  ServiceSubset: fc.constantFrom('', 'v1', 'v2'),
})
/** As Consul takes them: a subset only of a service that is named. */
const redirect = fc
  .tuple(
    fc.constantFrom('web', 'api', 'shop', 'old', 'older', 'nowhere'),
    fc.constantFrom('', '', 'v1', 'v2', 'v9'),
  )
  .map(([Service, ServiceSubset]) => ({ Service, ServiceSubset }))
const entries = fc.record({
  routes: fc.array(route, { maxLength: 5 }),
  webSplits: fc.option(splits(['web', 'api', 'shop', 'old', 'nowhere']), { nil: undefined }),
  apiSplits: fc.option(splits(['api', 'shop']), { nil: undefined }),
  shopSplits: fc.option(splits(['shop']), { nil: undefined }),
  webDefault: fc.constantFrom('', 'v1', 'v2'),
  webFailover: fc.option(fc.array(failover, { minLength: 1, maxLength: 3 }), { nil: undefined }),
  apiFailover: fc.option(failover, { nil: undefined }),
  webRedirect: fc.option(redirect, { nil: undefined, freq: 1 }),
  shopRedirect: fc.option(redirect, { nil: undefined }),
  oldRedirect: fc.option(redirect, { nil: undefined, freq: 4 }),
  olderRedirect: fc.option(redirect, { nil: undefined }),
  onlyPassing: fc.record({ v1: fc.boolean(), v2: fc.boolean() }),
})
const health = fc.array(fc.constantFrom<Health>('passing', 'passing', 'warning', 'critical'), {
  minLength: 9,
  maxLength: 9,
})
const asked = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  path,
  headers: fc.dictionary(fc.constantFrom('x-a', 'x-b', 'x-c'), fc.constantFrom('one', 'two', 'three')),
})

/** Three instances of each service: two of v1, one of v2. */
function world(health: readonly Health[]): Record<string, readonly Instance[]> {
  const of = (service: number) =>
    [0, 1, 2].map((at) => {
      const number = service * 3 + at
      return versioned(number + 1, at < 2 ? 'v1' : 'v2', { checks: [check(health[number]!)] })
    })
  return Object.fromEntries(SERVICES.map((name, at) => [name, of(at)]))
}

describe('what Kong is given', () => {
  test('sends every request where Consul would, in the parts that Consul would', () => {
    fc.assert(
      fc.property(
        entries,
        health,
        fc.array(asked, { minLength: 1, maxLength: 12 }),
        (wish, all, requests) => {
          const services = world(all)
          const versions = {
            Subsets: {
              v1: { ...VERSIONS.Subsets.v1, OnlyPassing: wish.onlyPassing.v1 },
              v2: { ...VERSIONS.Subsets.v2, OnlyPassing: wish.onlyPassing.v2 },
            },
          }
          const redirected = (name: string, Redirect: object | undefined) =>
            Redirect === undefined ? {} : { [name]: resolver(name, { Redirect }) }
          const raw: Raw = {
            routers: wish.routes.length > 0 ? { web: router('web', ...wish.routes) } : {},
            splitters: {
              ...(wish.webSplits === undefined ? {} : { web: splitter('web', ...wish.webSplits) }),
              ...(wish.apiSplits === undefined ? {} : { api: splitter('api', ...wish.apiSplits) }),
              ...(wish.shopSplits === undefined ? {} : { shop: splitter('shop', ...wish.shopSplits) }),
            },
            resolvers: {
              web: resolver('web', {
                ...versions,
                DefaultSubset: wish.webDefault,
                ...(wish.webFailover === undefined
                  ? {}
                  : { Failover: { v1: { Targets: wish.webFailover } } }),
              }),
              api: resolver('api', {
                ...versions,
                ...(wish.apiFailover === undefined ? {} : { Failover: { '*': wish.apiFailover } }),
              }),
              shop: resolver('shop', versions),
              ...redirected('web', wish.webRedirect),
              ...redirected('shop', wish.shopRedirect),
              ...redirected('old', wish.oldRedirect),
              ...redirected('older', wish.olderRedirect),
            },
          }
          const { state, problems } = desireWith(
            {
              'service-router': Object.values(raw.routers),
              'service-splitter': Object.values(raw.splitters),
              'service-resolver': Object.values(raw.resolvers),
            },
            services,
          )
          assert.deepEqual(
            problems.filter(({ code }) => code === 'ENTRY_INVALID'),
            [],
          )
          // Two conditions on one header cannot always be told apart by Kong: said, and left out here.
          if (problems.some(isBeyondKong)) return
          const serving: Serving = (service, subset) => {
            const members = services[service]!.filter(({ meta }) => subset === '' || meta.version === subset)
            const of = (state: Health) => members.filter(({ checks }) => checks[0]!.status === state)
            const isStrict = raw.resolvers[service]?.Subsets?.[subset]?.OnlyPassing === true
            // kongsul's own rule: who warns serves while nobody passes.
            return of('passing').length > 0 || isStrict ? of('passing') : of('warning')
          }
          const isLive = (service: string, subset: string) => serving(service, subset).length > 0
          const known = { services: new Set<string>(SERVICES), isLive }
          const kong = kongRouter(state)
          for (const request of requests) {
            for (const service of [...SERVICES, ...OLD]) {
              const expected = interpret(raw, known, service, request)
              for (const [host, at] of [
                [`${service}.mesh`, ''],
                ['other.test', `/${service}`],
              ] as const) {
                const found = kongOutcome(state, kong, { ...request, path: `${at}${request.path}` }, host)
                const what = `${found?.route} ${host} ${at}${request.path}`
                assert.equal(found === null, expected === null, what)
                if (found === null || expected === null || expected.spread.size === 0) continue
                const sent = expected.isRewritten ? withoutSlash(found.path) : found.path
                assert.equal(sent, expected.isRewritten ? withoutSlash(expected.path) : expected.path, what)
                const legs = expectedParts(expected.spread, serving)
                for (const key of new Set([...legs.keys(), ...found.parts.keys()])) {
                  const [want, got] = [legs.get(key) ?? 0, found.parts.get(key) ?? 0]
                  assert.ok(Math.abs(want - got) < 2.5e-4, `${what}: ${key} gets ${got}, not ${want}`)
                }
              }
            }
          }
        },
      ),
      { numRuns: 300 },
    )
  })
})

type Serving = (service: string, subset: string) => readonly Instance[]

/** Query parameters cost their route alone. */
const isBeyondKong = ({ code, message }: { readonly code: string; readonly message: string }): boolean =>
  code === 'ENTRY_ORDER' || (code === 'ENTRY_UNSUPPORTED' && !message.includes('QueryParam'))

const withoutSlash = (path: string): string => path.replace(/\/$/, '')

function expectedParts(spread: ReadonlyMap<string, number>, serving: Serving): Map<string, number> {
  const parts = new Map<string, number>()
  for (const [leg, part] of spread) {
    const [service, subset] = leg.includes('.') ? leg.split('.').reverse() : [leg, '']
    const all = serving(service!, subset!)
    for (const { address, port } of all) {
      const key = `${address}:${port}`
      parts.set(key, (parts.get(key) ?? 0) + part / all.length)
    }
  }
  return parts
}

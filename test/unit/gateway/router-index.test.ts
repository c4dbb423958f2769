import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { prepareRequest, type RouteRequest } from '../../../kong/gateway/router/compile-route.ts'
import { normalisePath } from '../../../kong/gateway/router/normalise-path.ts'
import { compareEntries } from '../../../kong/gateway/router/route-priority.ts'
import type { RouteRow } from '../../../kong/gateway/router/route-row.ts'
import { compileRoutes, Router } from '../../../kong/gateway/router/router.ts'

const HOSTS = ['a.test', 'b.test', '*.test', 'a.*', '*.a.test', 'a.test:81', '*.test:81']
const PATHS = ['/', '/a', '/a/', '/ab', '/a/b', '/b', '/a/b/c', '/é']
const REGEXES = ['~/a/\\d+', '~/a', '~/.*b$', '~/a|/b']
const HEADERS: Record<string, string[]>[] = [{ x: ['1'] }, { x: ['~*^2'], y: ['3'] }, { 'x-y': ['1', '2'] }]

const some = <T>(values: readonly T[]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }), { nil: null })

const anyRoute: fc.Arbitrary<RouteRow> = fc
  .record({
    id: fc.uuid(),
    hosts: some(HOSTS),
    paths: some([...PATHS, ...REGEXES]),
    methods: some(['GET', 'POST']),
    headers: fc.option(fc.constantFrom(...HEADERS), { nil: null }),
    snis: fc.option(fc.constant(['s.test']), { nil: null, freq: 8 }),
    regex_priority: fc.integer({ min: 0, max: 9 }),
  })
  .map((fields) => ({ ...fields, name: fields.id, protocols: ['http', 'https'] }))

const anyRequest: fc.Arbitrary<RouteRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc
      .constantFrom('/', '/a', '/a/b', '/a/b/c/d', '/abc', '/a/12', '/x/b', '/%C3%A9/q', '/A')
      .map(normalisePath),
    host: fc.constantFrom(
      'a.test',
      'b.test',
      'c.test',
      'a.test:81',
      'x.a.test',
      'a.foo',
      'A.test',
      undefined,
    ),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    sni: fc.constantFrom('s.test', 'z.test', undefined),
    values: fc.constantFrom<Record<string, string[]>>(
      {},
      { x: ['1'] },
      { x: ['2'], y: ['3'] },
      { 'x-y': ['2'] },
    ),
  })
  .map(({ values, ...rest }) => ({ ...rest, port: 8000, header: (name: string) => values[name] }))

/** Tries every entry in Kong's order: what the index must agree with. */
function naiveMatch(routes: readonly RouteRow[], request: RouteRequest): string | undefined {
  const prepared = prepareRequest(request)
  return compileRoutes(routes, () => undefined)
    .sort(compareEntries)
    .find((entry) => entry.test(prepared) !== null)?.route.id
}

const routesAndRequests = fc.tuple(
  fc.uniqueArray(anyRoute, { maxLength: 25, selector: (route) => route.id }),
  fc.array(anyRequest, { minLength: 1, maxLength: 10 }),
)

test('the index finds the same route as trying all of them in order', () => {
  fc.assert(
    fc.property(routesAndRequests, ([routes, requests]) => {
      const router = new Router()
      for (const route of routes) router.set(route, undefined)
      for (const request of requests) equal(router.match(request)?.route.id, naiveMatch(routes, request))
    }),
    { numRuns: 200 },
  )
})

test('an index that saw routes come, change and go finds the same as one built from what is left', () => {
  fc.assert(
    fc.property(routesAndRequests, fc.nat(), ([routes, requests], seed) => {
      const router = new Router()
      for (const route of routes)
        router.set({ ...route, paths: ['/elsewhere'], hosts: ['gone.test'] }, undefined)
      for (const route of routes) router.set(route, undefined)
      const kept = routes.filter((_, index) => (seed >> (index % 20)) % 2 === 0)
      for (const route of routes) if (!kept.includes(route)) router.delete(route.id)
      for (const request of requests) equal(router.match(request)?.route.id, naiveMatch(kept, request))
    }),
    { numRuns: 200 },
  )
})

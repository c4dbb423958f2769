import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { RouteRequest } from '../../../kong/gateway/router/compile-route.ts'
import { normalisePath } from '../../../kong/gateway/router/normalise-path.ts'
import type { RouteRow, ServiceRow } from '../../../kong/gateway/router/route-row.ts'
import { Router } from '../../../kong/gateway/router/router.ts'

const SERVICE: ServiceRow = {
  id: 'service',
  protocol: 'http',
  host: 'h',
  port: 80,
  retries: 5,
  connect_timeout: 1,
  read_timeout: 1,
  write_timeout: 1,
}

let lastId = 0

function route(fields: Partial<RouteRow> & { name: string }): RouteRow {
  lastId++
  return {
    id: `00000000-0000-4000-8000-${String(lastId).padStart(12, '0')}`,
    protocols: ['http', 'https'],
    ...fields,
  }
}

function ask(
  path: string,
  fields: Partial<RouteRequest> & { headers?: Record<string, string[]> } = {},
): RouteRequest {
  const { headers = {}, ...rest } = fields
  return {
    method: 'GET',
    path: normalisePath(path),
    host: 'h.test',
    scheme: 'http',
    port: 8000,
    header: (name) => headers[name],
    ...rest,
  }
}

function winner(routes: readonly RouteRow[], request: RouteRequest): string | null | undefined {
  const router = new Router()
  for (const row of routes) router.set(row, SERVICE)
  return router.match(request)?.route.name ?? null
}

const cases: [what: string, routes: RouteRow[], request: RouteRequest, expected: string | null][] = [
  [
    'the longer prefix wins',
    [route({ name: 'short', paths: ['/a'] }), route({ name: 'long', paths: ['/a/b'] })],
    ask('/a/b/c'),
    'long',
  ],
  ['a prefix matches inside a segment', [route({ name: 'web', paths: ['/web'] })], ask('/webshop'), 'web'],
  [
    'a prefix with a slash does not match without it',
    [route({ name: 'web', paths: ['/web/'] })],
    ask('/web'),
    null,
  ],
  [
    'any regex outranks any prefix',
    [route({ name: 'prefix', paths: ['/a/very/long/prefix'] }), route({ name: 'regex', paths: ['~/a'] })],
    ask('/a/very/long/prefix'),
    'regex',
  ],
  [
    'the larger regex_priority wins',
    [route({ name: 'low', paths: ['~/a/.*'] }), route({ name: 'high', paths: ['~/.*'], regex_priority: 5 })],
    ask('/a/b'),
    'high',
  ],
  [
    'an exact host outranks a wildcard with a path',
    [route({ name: 'wild', hosts: ['*.test'], paths: ['/a'] }), route({ name: 'exact', hosts: ['h.test'] })],
    ask('/a'),
    'exact',
  ],
  [
    'an exact host outranks a regex',
    [route({ name: 'regex', paths: ['~/.*'] }), route({ name: 'exact', hosts: ['h.test'] })],
    ask('/a'),
    'exact',
  ],
  [
    'a wildcard host outranks none',
    [route({ name: 'none', methods: ['GET'] }), route({ name: 'wild', hosts: ['*.test'], methods: ['GET'] })],
    ask('/a'),
    'wild',
  ],
  [
    'a host in upper case misses the exact one and meets the wildcard',
    [route({ name: 'exact', hosts: ['h.test'] }), route({ name: 'wild', hosts: ['*.test'] })],
    ask('/a', { host: 'H.test' }),
    'wild',
  ],
  [
    'a port in the request does not matter to a host without',
    [route({ name: 'exact', hosts: ['h.test'] })],
    ask('/a', { host: 'h.test:81' }),
    'exact',
  ],
  [
    'a port in the route must be that of the request',
    [route({ name: 'ported', hosts: ['h.test:82'] })],
    ask('/a', { host: 'h.test:81' }),
    null,
  ],
  [
    'a request without port has that of the listener',
    [route({ name: 'ported', hosts: ['h.test:8000'] })],
    ask('/a'),
    'ported',
  ],
  [
    'a method narrows a route',
    [route({ name: 'post', paths: ['/a'], methods: ['POST'] }), route({ name: 'any', paths: ['/a'] })],
    ask('/a', { method: 'POST' }),
    'post',
  ],
  [
    'two kinds of attributes beat a longer path',
    [route({ name: 'long', paths: ['/a/b/c'] }), route({ name: 'two', paths: ['/a'], methods: ['GET'] })],
    ask('/a/b/c'),
    'two',
  ],
  [
    'a header value is compared without case',
    [route({ name: 'canary', paths: ['/'], headers: { 'X-Release': ['Canary'] } })],
    ask('/', { headers: { 'x-release': ['cANARY'] } }),
    'canary',
  ],
  [
    'a header regex matches one of several values',
    [route({ name: 'beta', paths: ['/'], headers: { 'x-release': ['~*^beta-\\d+$'] } })],
    ask('/', { headers: { 'x-release': ['x', 'beta-7'] } }),
    'beta',
  ],
  [
    'a header regex that does not match leaves the route out',
    [route({ name: 'beta', paths: ['/'], headers: { 'x-release': ['~*^beta-\\d+$'] } })],
    ask('/', { headers: { 'x-release': ['beta-x'] } }),
    null,
  ],
  [
    'all headers of a route must be there',
    [route({ name: 'both', headers: { a: ['1'], b: ['2'] } })],
    ask('/', { headers: { a: ['1'] } }),
    null,
  ],
  ['an SNI does not matter over http', [route({ name: 'sni', snis: ['other.test'] })], ask('/'), 'sni'],
  [
    'an SNI decides over https',
    [route({ name: 'sni', snis: ['other.test'] })],
    ask('/', { scheme: 'https', sni: 'h.test' }),
    null,
  ],
  [
    'the larger id wins a tie, not the older route',
    [route({ name: 'first', paths: ['/a'] }), route({ name: 'second', paths: ['/b', '/a'] })],
    ask('/a'),
    'second',
  ],
  [
    'duplicate slashes and dot segments are gone before matching',
    [route({ name: 'a', paths: ['/a/b'] })],
    ask('/x/..//a/./b'),
    'a',
  ],
  ['escaped dots are dots', [route({ name: 'b', paths: ['/b'] })], ask('/a/%2e%2e/b'), 'b'],
  ['a path that is not UTF-8 matches nothing', [route({ name: 'all', paths: ['/'] })], ask('/%ff'), null],
  ['a path is matched by its bytes', [route({ name: 'cafe', paths: ['/café'] })], ask('/caf%C3%A9'), 'cafe'],
]

for (const [what, routes, request, expected] of cases) {
  test(what, () => equal(winner(routes, request), expected))
}

test('four kinds of attributes outrank everything else, even an exact host', () => {
  const four = route({
    name: 'four',
    hosts: ['*.test'],
    paths: ['/'],
    methods: ['GET'],
    headers: { a: ['1'] },
  })
  const exact = route({ name: 'exact', hosts: ['h.test'], paths: ['/long/path'] })
  equal(winner([four, exact], ask('/long/path', { headers: { a: ['1'] } })), 'four')
})

test('routes of a disabled service do not match', () => {
  const router = new Router()
  router.set(route({ name: 'off', paths: ['/'] }), { ...SERVICE, enabled: false })
  equal(router.match(ask('/')), null)
})

test('a route that was taken away no longer matches, and one that changed matches as it is now', () => {
  const router = new Router()
  const row = route({ name: 'moving', paths: ['/old'] })
  router.set(row, SERVICE)
  router.set({ ...row, paths: ['/new'] }, SERVICE)
  equal(router.match(ask('/old')), null)
  equal(router.match(ask('/new'))?.route.name, 'moving')
  router.delete(row.id)
  equal(router.match(ask('/new')), null)
})

test('a match tells the prefix to strip, the captures and the joined path', () => {
  const router = new Router()
  router.set(route({ name: 'regex', paths: ['~/u/(?<user>[a-z]+)'], strip_path: true }), {
    ...SERVICE,
    path: '/v1',
  })
  const match = router.match(ask('/u/anna/x'))
  deepEqual(
    { prefix: match?.prefix, captures: match?.captures, upstreamPath: match?.upstreamPath },
    { prefix: '/u/anna', captures: { 0: '/u/anna', 1: 'anna', user: 'anna' }, upstreamPath: '/v1/x' },
  )
})

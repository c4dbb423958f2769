// One text that Kong refuses keeps all writes of its service back: none may come out of an entry, whatever it says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { assertKongTakes, odd } from '../core/kong-takes.ts'
import { desireWith, resolver, router, splitter, VERSIONS, versioned } from './build-policies.ts'

const path = odd.map((text) => `/${text}`)
const duration = fc.constantFrom('0s', '1us', '5s', '900000h')
const headers = fc.record(
  {
    Add: fc.dictionary(odd, odd, { maxKeys: 2 }),
    Set: fc.dictionary(odd, odd, { maxKeys: 2 }),
    Remove: fc.array(odd, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)
const match = fc.record(
  {
    path: fc.oneof(
      path.map((PathExact) => ({ PathExact })),
      path.map((PathPrefix) => ({ PathPrefix })),
      odd.map((PathRegex) => ({ PathRegex })),
    ),
    Header: fc.array(
      fc.record({
        Name: fc.oneof(
          fc.constantFrom('x-a', 'Host', 'X_B'),
          odd.filter((text) => text !== ''),
        ),
        how: fc.constantFrom('Exact', 'Prefix', 'Suffix', 'Regex'),
        text: odd.filter((text) => text !== ''),
      }),
      { maxLength: 2 },
    ),
    Methods: fc.array(fc.constantFrom('get', 'POST', 'Purge'), { maxLength: 2 }),
    CaseInsensitive: fc.boolean(),
  },
  { requiredKeys: [] },
)
const destination = fc.record(
  {
    Service: fc.constantFrom('web', 'api'),
    ServiceSubset: fc.constantFrom('v1', 'v 2', 'v9'),
    PrefixRewrite: path,
    RequestTimeout: duration,
    NumRetries: fc.constantFrom(0, 3, 4_000_000_000),
    RequestHeaders: headers,
    ResponseHeaders: headers,
  },
  { requiredKeys: [] },
)
const route = fc.tuple(match, destination).map(([{ path: where, Header, ...rest }, Destination]) => ({
  Match: {
    HTTP: { ...where, ...rest, Header: (Header ?? []).map(({ Name, how, text }) => ({ Name, [how]: text })) },
  },
  Destination,
}))
const hash = fc.record(
  {
    Field: fc.constantFrom('header', 'cookie', 'query_parameter'),
    FieldValue: odd,
    CookieConfig: fc.record({ TTL: duration, Path: path }),
    SourceIP: fc.boolean(),
  },
  { requiredKeys: [] },
)
const balancer = fc.record({
  Policy: fc.constantFrom('', 'random', 'round_robin', 'least_request', 'ring_hash', 'maglev'),
  HashPolicies: fc.array(hash, { maxLength: 2 }),
})

test('whatever an entry says, Kong takes what is made of it', () => {
  const services = { web: [versioned(1, 'v1'), versioned(2, 'v2')], api: [versioned(3, 'v1')] }
  const property = fc.property(
    fc.array(route, { maxLength: 4 }),
    duration,
    duration,
    balancer,
    fc.boolean(),
    (routes, ConnectTimeout, RequestTimeout, LoadBalancer, isSplit) => {
      const subsets = { ...VERSIONS.Subsets, 'v 2': { Filter: 'Service.Meta.version == v2' } }
      const own = resolver('web', { Subsets: subsets, ConnectTimeout, RequestTimeout, LoadBalancer })
      const halves = [
        { Weight: 50, ServiceSubset: 'v1' },
        { Weight: 50, ServiceSubset: 'v 2' },
      ]
      const { state, problems } = desireWith(
        {
          'service-router': [router('web', ...routes)],
          'service-resolver': [own],
          'service-splitter': isSplit ? [splitter('web', ...halves)] : [],
        },
        services,
      )
      assert.deepEqual(
        problems.filter(({ code }) => code === 'ENTRY_INVALID'),
        [],
      )
      assertKongTakes(state)
    },
  )
  fc.assert(property, { numRuns: 200, includeErrorInReport: true } as never)
})

import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  acceptExternals,
  externalKey,
  externalStatusKey,
} from '../../../operator/core/external/accept-external.ts'
import { type ExternalService, readExternal } from '../../../operator/core/external/external-document.ts'
import { externalInstances, withExternals } from '../../../operator/core/external/external-instances.ts'

const errorsOf = (document: object): string => {
  const read = readExternal(JSON.stringify(document))
  return read.ok ? '' : read.errors.join('; ')
}
const serviceOf = (document: object): ExternalService => {
  const read = readExternal(JSON.stringify(document))
  if (!read.ok) throw new Error(read.errors.join())
  return read.service
}
const SHOP = { hostname: 'API.example.com', port: 443, protocol: 'https' }

test('a document names one place or several, and what is left out has its default', () => {
  deepEqual(serviceOf(SHOP), {
    protocol: 'https',
    places: [{ host: 'api.example.com', port: 443, weight: 100 }],
    isWeighted: false,
    check: null,
  })
  const several = serviceOf({
    instances: [
      { hostname: 'a.example.com', port: 80, weight: 3 },
      { hostname: '203.0.113.9', port: 80 },
    ],
    healthCheck: { http: '/health' },
  })
  deepEqual(
    several.places.map(({ host, weight }) => [host, weight]),
    [
      ['a.example.com', 3],
      ['203.0.113.9', 100],
    ],
  )
  deepEqual(
    [several.isWeighted, several.check],
    [true, { http: '/health', intervalSeconds: 10, timeoutMs: 2_000 }],
  )
})

const REFUSED: readonly [string, object, RegExp][] = [
  ['without a place', {}, /hostname must be given, or instances.*port must be given/],
  [
    'with both forms',
    { ...SHOP, instances: [{ hostname: 'a', port: 1 }] },
    /instances must not stand beside/,
  ],
  ['with an unknown key', { ...SHOP, hostnme: 'x' }, /hostnme is not a setting; did you mean hostname\?/],
  ['with a host that is none', { ...SHOP, hostname: 'a b' }, /hostname must be a host name/],
  ['with protocol tcp', { ...SHOP, protocol: 'tcp' }, /protocol must be one of http, https, grpc, grpcs/],
  [
    'with a probe that is no URL',
    { ...SHOP, healthCheck: { http: 'health' } },
    /healthCheck.http must be a URL, or a path/,
  ],
]
for (const [what, document, message] of REFUSED) {
  test(`a document ${what} is refused, naming the field`, () => match(errorsOf(document), message))
}

test('a document that does not validate leaves the last good one, also after a restart, and is told', () => {
  const key = externalKey('shop')
  const [good, bad] = [JSON.stringify(SHOP), '{"port": 0}']
  const first = acceptExternals(null, new Map([[key, good]]), new Map())
  const second = acceptExternals(first, new Map([[key, bad]]), new Map())
  equal(second.services.get('shop'), first.services.get('shop'))
  equal(second.refused.get(key)?.lastGood, good)
  const status = JSON.stringify({ state: 'refused', document: key, errors: [], since: '', lastGood: good })
  const rows = new Map([[externalStatusKey(key)!, { text: status, index: 1 }]])
  deepEqual(acceptExternals(null, new Map([[key, bad]]), rows).services.get('shop'), serviceOf(SHOP))
  equal(acceptExternals(second, new Map(), new Map()).services.size, 0)
})

test('places are instances with their protocol, and weights only where they differ', () => {
  const [one] = externalInstances('shop', serviceOf(SHOP), new Map())
  deepEqual(
    [one!.address, one!.port, one!.meta, one!.checks],
    ['api.example.com', 443, { 'mesh-protocol': 'https' }, []],
  )
  const failing = new Map([['api.example.com:443', { status: 'critical' as const, reason: 'GET /: 500' }]])
  deepEqual(externalInstances('shop', serviceOf(SHOP), failing)[0]!.checks, [
    { id: 'probe', name: 'GET /: 500', status: 'critical', serviceId: 'shop-api.example.com-443' },
  ])
})

test('a service of the catalog keeps its name, everybody else’s lists stay the same objects', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd')
  const list = (names: readonly string[]) =>
    new Map(names.map((each) => [each, externalInstances(each, serviceOf(SHOP), new Map())]))
  fc.assert(
    fc.property(fc.uniqueArray(name), fc.uniqueArray(name), (inCatalog, outside) => {
      const [catalog, externals] = [list(inCatalog), list(outside)]
      const { snapshot, conflicts } = withExternals({ services: catalog }, externals)
      deepEqual(conflicts, outside.filter((each) => inCatalog.includes(each)).sort())
      for (const each of new Set([...inCatalog, ...outside])) {
        equal(snapshot.services.get(each), catalog.get(each) ?? externals.get(each))
      }
    }),
  )
})

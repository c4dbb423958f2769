// One text that Kong refuses keeps all writes of its service back: settings that are accepted must not make one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { desire, instance } from './build-mesh.ts'
import { assertKongTakes, odd } from './kong-takes.ts'

const few = <T>(of: fc.Arbitrary<T>) => fc.array(of, { maxLength: 2 })
const text = fc.oneof(fc.constantFrom('a', 'x-a', 'A_b', 'web.example.com', '*.example.com', 'a.*'), odd)
const path = fc.oneof(
  fc.constantFrom(
    '/',
    '/a',
    '/a/',
    '/a b',
    '/a%20b',
    '/A%2Fb',
    '~/a.*$',
    '~/(?<n>a+)',
    '~/a{2}',
    '~/[[:alpha:]]',
  ),
  odd.map((each) => `/${each}`),
  odd.map((each) => `~/${each}`),
)
const some = <T extends Record<string, fc.Arbitrary<unknown>>>(fields: T) =>
  fc.record(fields, { requiredKeys: [] })
const route = fc
  .tuple(
    fc.constantFrom('one', 'two'),
    some({
      hosts: few(text),
      paths: few(path),
      methods: few(fc.constantFrom('GET', 'PURGE', 'X')),
      headers: fc.dictionary(text, few(text), { maxKeys: 2 }),
      stripPath: fc.boolean(),
      preserveHost: fc.boolean(),
    }),
  )
  .map(([name, rest]) => ({ name, ...rest }))
const number = fc.constantFrom(0, 1, 0.5, 100, 65_535, 2_147_483_646)
/** One part at a time is odd: a document with several odd parts is refused as a whole most of the time. */
const document = fc.oneof(
  fc.record({ routing: some({ hosts: few(text) }) }),
  fc.record({ routing: some({ paths: few(path) }) }),
  fc.record({ routing: some({ routes: few(route), https: fc.constantFrom('redirect', 'optional') }) }),
  fc.record({
    loadBalancing: some({
      strategy: fc.constantFrom('round_robin', 'least_connections', 'ip_hash', 'hash', 'weighted', 'random'),
      hashOn: fc.constantFrom('header', 'cookie', 'path', 'query_arg', 'uri_capture', 'ip', 'none'),
      header: text,
      cookie: text,
      cookiePath: path,
      key: text,
      slots: number,
    }),
  }),
  fc.record({ timeouts: some({ connectMs: number, readMs: number, writeMs: number }), retries: number }),
  fc.record({ weights: some({ passing: number, warning: number }) }),
  fc.record({
    protocol: fc.constantFrom('http', 'https', 'grpc', 'grpcs', 'tcp'),
    tls: some({ serverName: text }),
  }),
)

test('whatever settings say, they are refused, or Kong takes what is made of them', () => {
  let accepted = 0
  const property = fc.property(document, (value) => {
    const documents = new Map([['mesh/services/web', JSON.stringify(value)]])
    if (acceptSettings(null, documents).problems.length > 0) return
    accepted += 1
    const { state } = desire(
      { web: [instance(1), instance(2)] },
      { documents: { 'mesh/services/web': value } },
    )
    assertKongTakes(state)
  })
  fc.assert(property, { numRuns: 2_000, includeErrorInReport: true } as never)
  assert.equal(accepted > 200, true, `${accepted} of 2000 documents were accepted`)
})

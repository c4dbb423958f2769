import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulatePropagation } from '../../../operator/cli/simulate-propagation.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

const simulated = (input: unknown) =>
  simulatePropagation(input) as { readonly extracted: unknown; readonly outgoing: Record<string, unknown> }

const refused: [what: string, input: unknown, path: string][] = [
  ['an unknown format', { config: { extract: ['w3c', 'w3d'] }, incoming: [] }, 'config.extract[1]'],
  ['preserve in extract', { config: { extract: ['preserve'] }, incoming: [] }, 'config.extract[0]'],
  ['an unknown field of config', { config: { rate: 1 }, incoming: [] }, 'config'],
  ['a rate above 1', { config: { sampling_rate: 2 }, incoming: [] }, 'config.sampling_rate'],
  ['a value that is no text', { incoming: [['a', 1]] }, 'incoming[0][1]'],
  ['a pair of three', { incoming: [['a', 'b', 'c']] }, 'incoming[0]'],
  ['an empty name', { incoming: [['', 'b']] }, 'incoming[0][0]'],
  ['no headers', {}, 'incoming'],
  ['a misspelt key', { incomming: [], incoming: [] }, 'incomming'],
  ['a list inside', [[]], ''],
  ['a number', 7, ''],
]
for (const [what, input, path] of refused) {
  test(`${what} is refused with its place`, () =>
    assert.throws(() => simulatePropagation(input), { name: 'SimulationInputError', path }))
}

test('what config leaves out has the default of the plugin', () => {
  const { extracted, outgoing } = simulated({ incoming: [['traceparent', TRACEPARENT]] })
  assert.deepEqual(extracted, {
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    parent_span_id: 'b7ad6b7169203331',
    sampled: true,
    baggage: {},
  })
  assert.match(String(outgoing['traceparent']), /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
})

test('headers with the names of things that JavaScript has are headers', () => {
  const incoming = ['__proto__', 'constructor', 'toString'].map((name) => [name, 'x'])
  const { outgoing } = simulated({ config: { inject: [] }, incoming })
  assert.equal(JSON.stringify(outgoing), '{"__proto__":"x","constructor":"x","tostring":"x"}')
})

test('a name that came three times has three values, in order', () => {
  const incoming = [
    ['A', '1'],
    ['a', '2'],
    ['A', '3'],
  ]
  assert.deepEqual(simulated({ config: { inject: [] }, incoming }).outgoing, {
    a: ['1', '2', '3'],
  })
})

test('spaces around a value are no part of it, as nginx reads headers', () => {
  const incoming = [
    ['uber-trace-id', ' 1:2:0:1 '],
    ['uberctx-foo', ' a b '],
    ['x', '  1  '],
    ['x', ''],
  ]
  const { extracted, outgoing } = simulated({ config: { extract: ['jaeger'], inject: [] }, incoming })
  assert.deepEqual((extracted as { readonly baggage: unknown }).baggage, { foo: 'a b' })
  assert.deepEqual(outgoing, { 'uber-trace-id': '1:2:0:1', 'uberctx-foo': 'a b', x: ['1', ''] })
})

test('what the plugin takes off because only Kong and the mesh may say it does not reach the upstream', () => {
  const incoming = [
    'X-Consumer-Username',
    'X-Credential-Identifier',
    'X-Mesh-Route',
    'X-Mesh-Span',
    'X-Other',
  ].map((name) => [name, 'x'])
  assert.deepEqual(simulated({ config: { inject: [] }, incoming }).outgoing, { 'x-other': 'x' })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { circuitLines } from '../../../operator/cli/circuit-lines.ts'
import { circuitNote, fromNow } from '../../../operator/cli/circuit-notes.ts'
import { ejectedCircuits } from '../../../operator/cli/ejected-circuits.ts'
import type { ServiceReport } from '../../../operator/core/desired.ts'
import type { CircuitRow } from '../../../operator/sync/list-circuits.ts'

const NOW = Date.parse('2030-01-01T03:00:00Z')
const io = { paint: pc.createColors(false), width: () => Number.POSITIVE_INFINITY }
const row = (given: Partial<CircuitRow>): CircuitRow => ({
  kind: 'service',
  service: 'web',
  target: null,
  address: null,
  instance_id: null,
  state: 'closed',
  mode: 'auto',
  mode_set_in: null,
  since: null,
  until: null,
  reason: '',
  node: 'kong-1',
  counts: {},
  ...given,
})
const at = (seconds: number) => new Date(NOW + seconds * 1_000).toISOString()

test('times are told from now on, in the largest unit that says something', () => {
  const cases = [
    [null, ''],
    [at(0.2), 'now'],
    [at(42), 'in 42 s'],
    [at(-119), '119 s ago'],
    [at(-300), '5 min ago'],
    [at(-7_200), '2 h ago'],
    [at(-400_000), '5 days ago'],
  ] as const
  for (const [time, said] of cases) assert.equal(fromNow(time, NOW), said)
})

test('when all is closed one line says so', () => {
  const lines = circuitLines([row({}), row({ service: 'api' })], io, NOW)
  assert.equal(lines.at(-1), 'Of 2 circuits none is open, and no instance is ejected.')
})

test('of a circuit on a route or service of somebody else no command is named that would not know it', () => {
  const found = row({ service: '', state: 'forced_open' })
  assert.equal(
    circuitNote(found, NOW),
    'the circuit of a service that is not of kongsul is forced open (config.mode of its plugin in Kong)',
  )
})

test('what is open is told last and in words: since when, until when, why, how to end it', () => {
  const forced = { state: 'forced_open', mode: 'forced_open', mode_set_in: 'consul' } as const
  const lines = circuitLines(
    [
      row({}),
      row({ ...forced, service: 'api', since: at(-60), reason: 'by_hand: mode auto became forced_open' }),
    ],
    io,
    NOW,
  )
  assert.equal(
    lines.at(-1),
    'service api is forced open for 60 s: by_hand: mode auto became forced_open (kongsul circuits auto api)',
  )
  assert.ok(lines.some((line) => line.includes('forced_open (Consul)')))
})

test('two processes that tell the same are one line below the table', () => {
  const open = { state: 'open', since: at(-5), until: at(55), reason: 'failure_rate' }
  const lines = circuitLines([row({ ...open, node: 'a' }), row({ ...open, node: 'b' })], io, NOW)
  assert.equal(lines.filter((line) => line.startsWith('service web is open')).length, 1)
})

test('the address of a host name is told with the instance', () => {
  const named = { kind: 'instance', state: 'ejected', target: 'web.test:80', instance_id: 'web-1' } as const
  const rows = ['10.0.0.1:80', '10.0.0.2:80'].map((address) => row({ ...named, address }))
  const lines = circuitLines(rows, io, NOW)
  assert.match(lines[1]!, /web-1 web\.test:80 at 10\.0\.0\.1:80/)
  assert.equal(lines.at(-2), 'address 10.0.0.1:80 of instance web-1 of web is ejected')
})

test('ejections that only KV tells of are notes with the name of the instance', () => {
  const ejection = {
    upstream: 'web.mesh',
    target: '10.0.0.1:80',
    untilMs: NOW + 9_000,
    sinceMs: NOW,
    reason: 'r',
  }
  const services = [{ service: 'web', instances: [{ id: 'web-1', target: '10.0.0.1:80' }] }]
  const [found] = ejectedCircuits([{ ...ejection, owner: 'kong-1' }], services as unknown as ServiceReport[])
  assert.equal(circuitNote(found!, NOW), 'instance web-1 of web is ejected for 0 s, tried again in 9 s: r')
})

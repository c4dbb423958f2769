import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { upstreamName } from '../../operator/core/names.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.consul.register({ Name: 'plain', ID: 'plain-1', Address: '10.0.0.1', Port: 80 })
  await stack.startOperator()
})
after(() => stack.stop())

/** Targets of a service's upstream as { 'host:port': weight }. */
async function targets(service: string): Promise<Record<string, number>> {
  const path = `/upstreams/${encodeURIComponent(upstreamName(service))}/targets?size=1000`
  const { body } = await stack.admin('GET', path)
  const rows: { target: string; weight: number }[] = body.data ?? []
  return Object.fromEntries(rows.map(({ target, weight }) => [target, weight]))
}

const become = (service: string, expected: readonly string[]) =>
  waitFor(async () => deepEqual(Object.keys(await targets(service)).sort(), [...expected].sort()) ?? true, {
    what: `${service} with ${expected.length} targets`,
  })

const problemsOf = (service: string) =>
  stack
    .operator()
    .status()
    .problems.filter((problem) => problem.service === service)

/** Nobody else suffers: a change of another service still arrives, and nothing fails. */
let generation = 0
async function plainIsServed(): Promise<void> {
  const port = 1000 + ++generation
  await stack.consul.register({ Name: 'plain', ID: 'plain-1', Address: '10.0.0.1', Port: port })
  await become('plain', [`10.0.0.1:${port}`])
  deepEqual(stack.operator().status().failing, [])
}

const NAMES = [
  'with.dots.in',
  'under_score',
  'UPPER',
  'größe-日本',
  `${'long-'.repeat(40)}`.slice(0, 200),
  'a b',
]
for (const name of NAMES) {
  test(`a service named ${name.slice(0, 20)} has a target and does no harm to others`, async () => {
    await stack.consul.register({ Name: name, ID: `id-${name}`, Address: '10.0.1.1', Port: 81 })
    await become(name, ['10.0.1.1:81'])
    await plainIsServed()
  })
}

test('names that differ in what is escaped only are two services', async () => {
  await stack.consul.register({ Name: 'a.b', ID: 'ab1', Address: '10.0.2.1', Port: 81 })
  await stack.consul.register({ Name: 'a_2eb', ID: 'ab2', Address: '10.0.2.2', Port: 81 })
  await become('a.b', ['10.0.2.1:81'])
  await become('a_2eb', ['10.0.2.2:81'])
})

test('a service without port gets no route and is reported as not exposed, with the reason', async () => {
  await stack.consul.register({ Name: 'portless', ID: 'portless-1', Address: '10.0.3.1' })
  const report = await waitFor(() =>
    stack
      .operator()
      .status()
      .services.find(({ service }) => service === 'portless'),
  )
  equal(report.exposed, false)
  match(report.exposureReason, /port/)
  await plainIsServed()
})

test('IPv6 addresses become targets in the long form that Kong stores', async () => {
  await stack.consul.register({ Name: 'six', ID: 'six-1', Address: '2001:db8::1', Port: 82 })
  await become('six', ['[2001:0db8:0000:0000:0000:0000:0000:0001]:82'])
  await stack.operator().resync()
  await stack.settled()
  deepEqual(stack.operator().status().overrides, [])
})

test('a host name is a target as it is', async () => {
  await stack.consul.register({ Name: 'named', ID: 'named-1', Address: 'db.example.com', Port: 83 })
  await become('named', ['db.example.com:83'])
})

test('one address in two services is a target of both', async () => {
  await stack.consul.register({ Name: 'twin-a', ID: 'twin-a', Address: '10.0.4.1', Port: 84 })
  await stack.consul.register({ Name: 'twin-b', ID: 'twin-b', Address: '10.0.4.1', Port: 84 })
  await become('twin-a', ['10.0.4.1:84'])
  await become('twin-b', ['10.0.4.1:84'])
  await stack.consul.deregister('twin-a')
  await become('twin-a', [])
  await become('twin-b', ['10.0.4.1:84'])
})

test('10 kB of meta and 500 tags are no obstacle', async () => {
  const Meta = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`key-${n}`, 'x'.repeat(400)]))
  const Tags = Array.from({ length: 500 }, (_, n) => `tag-${n}`)
  await stack.consul.register({ Name: 'heavy', ID: 'heavy-1', Address: '10.0.5.1', Port: 85, Meta, Tags })
  await become('heavy', ['10.0.5.1:85'])
  await plainIsServed()
})

test('settings that do not validate are refused and reported, and the service goes on with what it had', async () => {
  const Meta = { 'mesh-load-balancing-strategy': 'fastest', 'mesh-timeouts-connect-ms': '-1' }
  await stack.consul.register({ Name: 'odd', ID: 'odd-1', Address: '10.0.6.1', Port: 86, Meta })
  await stack.consul.setKey('mesh/services/odd', '{ this is no JSON: [')
  await become('odd', ['10.0.6.1:86'])
  await waitFor(() => problemsOf('odd').length >= 2, { what: 'problems of odd' })
  await plainIsServed()
})

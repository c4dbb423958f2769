import { equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
})
after(() => stack.stop())

const register = (name: string, at: number, over: object = {}) =>
  stack.consul.register({
    Name: name,
    ID: `${name}-${at}`,
    Address: '127.0.0.1',
    Port: 9200 + at,
    Check: { TTL: '600s', Status: 'passing' },
    ...over,
  })
const target = (at: number) => `127.0.0.1:${9200 + at}`

async function healthOf(service: string, at: number): Promise<string> {
  const { body } = await stack.admin('GET', `/upstreams/${service}.mesh/health`)
  const rows: { target: string; health?: string }[] = body.data ?? []
  return rows.find((row) => row.target === target(at))?.health ?? ''
}
const healthBecomes = (service: string, at: number, health: string) =>
  waitFor(async () => (await healthOf(service, at)) === health, { what: `${service}-${at} being ${health}` })

/** As Kong's own passive check does at the first refused connection. */
async function mark(service: string, at: number): Promise<void> {
  await waitFor(async () => {
    const path = `/upstreams/${service}.mesh/targets/${target(at)}/unhealthy`
    return (await stack.admin('PUT', path)).status === 204
  })
}

test('a mark on an instance that Consul calls healthy is seen and taken back', async () => {
  for (const at of [1, 2, 3]) await register('marked', at)
  await healthBecomes('marked', 3, 'HEALTHY')
  await mark('marked', 1)
  await waitFor(() =>
    stack
      .operator()
      .status()
      .marks.some((each) => each.target === target(1)),
  )
  await healthBecomes('marked', 1, 'HEALTHY')
})

test('an instance that turns from critical to passing loses the mark of before', async () => {
  for (const at of [11, 12, 13]) await register('back', at)
  await healthBecomes('back', 13, 'HEALTHY')
  await mark('back', 11)
  await stack.consul.setCheck('service:back-11', 'fail')
  await waitFor(async () => (await stack.weights('back'))[target(11)] === 0)
  await stack.consul.setCheck('service:back-11', 'pass')
  await healthBecomes('back', 11, 'HEALTHY')
  ok(((await stack.weights('back'))[target(11)] ?? 0) > 0)
})

test('a target that a person keeps out by tag stays marked while others are put back', async () => {
  for (const at of [21, 22, 23, 24]) await register('kept', at)
  await healthBecomes('kept', 24, 'HEALTHY')
  const path = `/upstreams/kept.mesh/targets/${target(21)}`
  const { body } = await stack.admin('GET', path)
  await stack.admin('PATCH', path, { tags: [...body.tags, 'kongsul.override:health'] })
  await stack.operator().resync()
  await mark('kept', 21)
  await mark('kept', 22)
  await healthBecomes('kept', 22, 'HEALTHY')
  equal(await healthOf('kept', 21), 'UNHEALTHY')
})

test('marks on all instances are taken back', async () => {
  for (const at of [31, 32]) await register('all', at)
  await healthBecomes('all', 32, 'HEALTHY')
  await mark('all', 31)
  await mark('all', 32)
  await healthBecomes('all', 31, 'HEALTHY')
  await healthBecomes('all', 32, 'HEALTHY')
})

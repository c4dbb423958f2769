// What is held because too much happened at once: how long, over restarts, and how people let it go.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let second: Operator | null = null
before(async () => {
  stack = await startStack()
})
after(async () => {
  await second?.stop()
  await stack.stop()
})

const ports = (service: string, count: number) =>
  Array.from({ length: count }, (_, at) => [`${service}-${at}`, 9300 + at] as const)
const register = async (service: string, count: number, checked = false) => {
  for (const [id, port] of ports(service, count)) {
    const check = checked ? { Check: { TTL: '10m', Status: 'passing' } } : {}
    await stack.consul.register({ Name: service, ID: id, Address: '127.0.0.1', Port: port, ...check })
  }
  await targetsBecome(service, count)
}
const targetsBecome = (service: string, count: number) =>
  waitFor(async () => Object.keys(await stack.weights(service)).length === count, {
    what: `${count} targets of ${service}`,
  })
const held = (operator = stack.operator()) => operator.status().held
const heldBecome = (count: number, operator = stack.operator()) =>
  waitFor(() => held(operator).length === count, { what: `${count} held` })
const check = (service: string, count: number, state: 'pass' | 'fail') =>
  Promise.all(ports(service, count).map(([id]) => stack.consul.setCheck(`service:${id}`, state)))
const accept = async (url: string, body: object) => {
  const answer = await fetch(`${url}/api/v1/mesh/v2/guard/accept`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  return { status: answer.status, body: (await answer.json()) as { total: number; detail: string } }
}
const metricOf = async (url: string, name: string) =>
  sumOf(parseMetrics(await (await fetch(`${url}/metrics`)).text()), name)
const weightOf = async (service: string) => Object.values(await stack.weights(service))
/** Consul loses its data: everything vanishes at once. */
const loseData = async () => {
  await stack.consul.kill()
  await stack.consul.start()
}

test('what is held survives a restart until the same time, and is told with the command that lets it go', async () => {
  await stack.startOperator()
  await register('web', 4)
  await loseData()
  await heldBecome(4)
  const [first] = held()
  equal(first?.kind, 'removal')
  await waitFor(() => stack.consul.request('GET', '/kv/mesh/guard/default'), { what: 'the hold in KV' })
  await stack.stopOperator()
  await stack.startOperator()
  await heldBecome(4)
  deepEqual(held()[0], first)
  equal((await weightOf('web')).length, 4)
  const problem = stack
    .operator()
    .status()
    .problems.find(({ code }) => code === 'SHRINK_HELD')
  match(problem!.message, /4 instances of web vanished .*"kongsul guard accept web"/)
  await waitFor(async () => (await metricOf(stack.operator().url, 'mesh_held_removals')) === 4)
})

test('kongsul plan lists them as held', async () => {
  const env = { KONGSUL_ADDR: stack.operator().url }
  const { code, stdout, stderr } = await runKongsul(['plan', '-o', 'json'], env)
  equal(code, 2, stderr)
  const plan = JSON.parse(stdout)
  equal(plan.counts.delete, 0)
  equal(plan.held.filter((each: { kind: string }) => each.kind === 'target').length, 4)
  const lines = (await runKongsul(['plan'], env)).stdout
  match(lines, /held +target +127\.0\.0\.1:9300 +web +until 20/)
  match(lines, /kongsul guard accept/)
})

test('kongsul guard accept lets them go at once, and the log of changes tells who said so', async () => {
  const env = { KONGSUL_ADDR: stack.operator().url }
  const nothing = await runKongsul(['guard', 'accept', 'other'], env)
  equal(nothing.code, 1)
  match(nothing.stderr, /nothing of other is held/)
  const { code, stdout, stderr } = await runKongsul(['guard', 'accept', 'web'], env)
  equal(code, 0, stderr)
  equal(stdout, 'web: 4 removals let go.\n')
  await targetsBecome('web', 0)
  const record = await waitFor(() => stack.operator().changes({ service: 'web', limit: 1 })[0])
  match(record.reason, /kongsul guard accept web by .*@/)
  ok(record.diff.some(({ action, kind }) => action === 'delete' && kind === 'target'))
  await waitFor(
    async () => (await stack.consul.request('GET', '/kv/mesh/guard/default').catch(() => 0)) === 0,
    {
      what: 'KV being tidy',
    },
  )
})

test('what was let go is not held again by an operator that starts before it is gone', async () => {
  await register('again', 4)
  await loseData()
  await heldBecome(4)
  await waitFor(() => stack.consul.request('GET', '/kv/mesh/guard/default'), { what: 'the hold in KV' })
  await stack.stopOperator()
  await stack.consul.setKey('mesh/guard/default/accepted', {
    accepted: [{ service: null, by: 'me', at: new Date(Date.now() + 1000).toISOString() }],
  })
  await stack.startOperator()
  await targetsBecome('again', 0)
})

test('an operator that stands by can be asked to let go, and the one that leads does', async () => {
  await register('led', 4)
  second = await startOperator(
    { ...stack.config(), operator: { id: 'second', advertise: undefined } },
    { log: silentLogger },
  )
  await waitFor(() => second!.status().services.some(({ service }) => service === 'led'))
  const both = [stack.operator(), second]
  await loseData()
  for (const operator of both) await heldBecome(4, operator)
  const follower = await waitFor(() => {
    const standing = both.filter((operator) => !operator.status().leading)
    return standing.length === 1 ? standing[0] : undefined
  })
  const { status, body } = await accept(follower.url, { service: 'led' })
  deepEqual([status, body.total], [200, 1])
  await targetsBecome('led', 0)
  for (const operator of both) await heldBecome(0, operator)
})

test('more than half turning critical keep their weights; those that recover leave, the rest on accept', async () => {
  await second?.stop()
  second = null
  await waitFor(() => stack.operator().status().leading)
  await register('big', 16, true)
  await check('big', 14, 'fail')
  await heldBecome(14)
  await stack.settled()
  deepEqual(new Set(await weightOf('big')), new Set([100]))
  equal(held()[0]?.kind, 'critical')
  const problem = stack
    .operator()
    .status()
    .problems.find(({ code }) => code === 'CRITICAL_HELD')
  match(problem!.message, /14 instances of big turned critical .*"kongsul guard accept big"/)
  await waitFor(async () => (await metricOf(stack.operator().url, 'mesh_held_weights')) === 14)

  await check('big', 2, 'pass')
  await heldBecome(12)

  await waitFor(async () =>
    JSON.stringify(await stack.consul.request('GET', '/kv/mesh/guard/default?raw').catch(() => '')).includes(
      'critical',
    ),
  )
  const [before] = held()
  await stack.stopOperator()
  await stack.startOperator()
  await heldBecome(12)
  deepEqual(held()[0], before)
  deepEqual(new Set(await weightOf('big')), new Set([100]))

  equal((await accept(stack.operator().url, {})).body.total, 1)
  await waitFor(async () => (await weightOf('big')).filter((weight) => weight === 0).length === 12, {
    what: 'critical instances without weight',
  })
  await stack.settled()
  equal(held().length, 0)
})

test('a hold of critical instances ends with guard.holdSeconds', async () => {
  await stack.consul.setKey('mesh/defaults', { guard: { holdSeconds: 3 } })
  await check('big', 16, 'pass')
  await waitFor(async () => (await weightOf('big')).every((weight) => weight === 100))
  await check('big', 14, 'fail')
  await heldBecome(14)
  await waitFor(async () => (await weightOf('big')).filter((weight) => weight === 0).length === 14, {
    what: 'the end of the hold',
  })
})

test('a request that makes no sense is refused by name', async () => {
  const { url } = stack.operator()
  deepEqual((await accept(url, { service: 'big' })).status, 404)
  const wrong = await accept(url, { services: ['big'] })
  deepEqual([wrong.status, /services/.test(wrong.body.detail)], [422, true])
})

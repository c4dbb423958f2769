// What plugin processes tell the operator, and what it does with it: ejections, circuits, outcomes, the view of the mesh.
import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { MeshChanges } from '../../operator/sync/mesh-feed.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { type MeshPluginEnv, meshPluginEnv } from '../support/mesh-plugins.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

const TOKEN = 'only-for-tests'

let plugins: MeshPluginEnv
let stack: Stack
before(async () => {
  plugins = await meshPluginEnv()
  stack = await startStack({ kongEnv: plugins.env })
  await stack.startOperator({ feedToken: TOKEN })
})
after(async () => {
  await stack.stop()
  plugins.remove()
})

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  const answer = await fetch(`${stack.operator().url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...json,
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
}

const register = (name: string, at: number) =>
  stack.consul.register({
    Name: name,
    ID: `${name}-${at}`,
    Address: '127.0.0.1',
    Port: 9400 + at,
    Check: { TTL: '600s', Status: 'passing' },
  })
const target = (at: number) => `127.0.0.1:${9400 + at}`
async function healthOf(service: string, at: number): Promise<string> {
  const { body } = await stack.admin('GET', `/upstreams/${service}.mesh/health`)
  const rows: { target: string; health?: string }[] = body.data ?? []
  return rows.find((row) => row.target === target(at))?.health ?? ''
}
const healthBecomes = (service: string, at: number, health: string) =>
  waitFor(async () => (await healthOf(service, at)) === health, { what: `${service}-${at} being ${health}` })
const mark = (service: string, at: number) =>
  waitFor(async () => {
    const path = `/upstreams/${service}.mesh/targets/${target(at)}/unhealthy`
    return (await stack.admin('PUT', path)).status === 204
  })
async function deploy(service: string, first: number, circuitBreaker?: object): Promise<void> {
  if (circuitBreaker)
    await stack.consul.setKey(`mesh/services/${service}`, JSON.stringify({ circuitBreaker }))
  for (const at of [0, 1, 2]) await register(service, first + at)
  await healthBecomes(service, first + 2, 'HEALTHY')
  await stack.settled()
}
const ejection = (service: string, at: number, untilMs: number, owner = 'node-a') => ({
  upstream: `${service}.mesh`,
  target: target(at),
  untilMs,
  reason: 'five 5xx in a row',
  owner,
})
const keyOf = (service: string, at: number) => `mesh/ejections/${service}.mesh/${target(at)}`
const inKv = async (key: string) => (await fetch(`${stack.consul.url}/v1/kv/${key}?raw`)).status === 200
const marksOf = (service: string) =>
  stack
    .operator()
    .status()
    .marks.filter((each) => each.service === service)

/** A mark without claim is put back, which shows that the healer has looked at this upstream since. */
async function otherIsPutBack(service: string, at: number): Promise<void> {
  await mark(service, at)
  await healthBecomes(service, at, 'HEALTHY')
}

test('a target that a live ejection claims is left alone, and put back when its process releases it', async () => {
  await deploy('claimed', 0)
  equal((await call('POST', '/internal/ejections', ejection('claimed', 0, Date.now() + 600_000))).status, 204)
  await mark('claimed', 0)
  ok(await inKv(keyOf('claimed', 0)))
  await otherIsPutBack('claimed', 1)
  equal(await healthOf('claimed', 0), 'UNHEALTHY')
  deepEqual(marksOf('claimed'), [])

  const ended = { upstream: 'claimed.mesh', target: target(0), owner: 'node-a' }
  equal((await call('DELETE', '/internal/ejections', ended)).status, 204)
  await healthBecomes('claimed', 0, 'HEALTHY')
  equal(await inKv(keyOf('claimed', 0)), false)
})

test('a process of a newer version may tell more of an ejection and of its end than is known here', async () => {
  await deploy('newer', 60)
  const told = { ...ejection('newer', 60, Date.now() + 600_000), zone: 'b', evidence: { failed: 5 } }
  equal((await call('POST', '/internal/ejections', told)).status, 204)
  ok(await inKv(keyOf('newer', 60)))
  const ended = { upstream: 'newer.mesh', target: target(60), owner: 'node-a', because: 'trial passed' }
  equal((await call('DELETE', '/internal/ejections', ended)).status, 204)
  equal(await inKv(keyOf('newer', 60)), false)
})

test('an instance that one process has ejected is not ejected by another, nor put back by it', async () => {
  await deploy('taken', 10)
  const until = Date.now() + 600_000
  await call('POST', '/internal/ejections', ejection('taken', 10, until, 'node-a'))
  const second = await call('POST', '/internal/ejections', ejection('taken', 10, until, 'node-b'))
  equal(second.status, 409)
  match(second.body.error.message, /ejected by node-a, which puts it back/)
  equal((await call('POST', '/internal/ejections', ejection('taken', 10, until + 1, 'node-a'))).status, 204)
  const ended = { upstream: 'taken.mesh', target: target(10), owner: 'node-b' }
  equal((await call('DELETE', '/internal/ejections', ended)).status, 204)
  ok(await inKv(keyOf('taken', 10)))
  await call('DELETE', '/internal/ejections', { ...ended, owner: 'node-a' })
  ok(!(await inKv(keyOf('taken', 10))))
})

test('what a dead process left ejected is put back after deadline and openSeconds, and its record removed', async () => {
  await deploy('dead', 20, { openSeconds: 2 })
  const untilMs = Date.now() + 1000
  await call('POST', '/internal/ejections', ejection('dead', 20, untilMs))
  await mark('dead', 20)
  await healthBecomes('dead', 20, 'HEALTHY')
  ok(Date.now() >= untilMs + 2000, 'its process had openSeconds after the deadline')
  await waitFor(async () => !(await inKv(keyOf('dead', 20))), { what: 'the stale record being removed' })
})

test('an ejection whose record vanishes is a mark like any other', async () => {
  await deploy('vanished', 30)
  await stack.consul.setKey(
    keyOf('vanished', 30),
    JSON.stringify({ until: Date.now() + 600_000, owner: 'x' }),
  )
  await waitFor(async () => {
    const { body } = await call('GET', '/api/v1/mesh/v2/circuits')
    return body.circuits.some((row: { target: string }) => row.target === target(30))
  })
  await mark('vanished', 30)
  await otherIsPutBack('vanished', 31)
  equal(await healthOf('vanished', 30), 'UNHEALTHY')
  await stack.consul.deleteKey(keyOf('vanished', 30))
  await healthBecomes('vanished', 30, 'HEALTHY')
})

test('a person keeps a target out that a process has ejected and left behind', async () => {
  await deploy('person', 40, { openSeconds: 1 })
  const { body } = await stack.admin('GET', '/upstreams/person.mesh/targets')
  const row = body.data.find((each: { target: string }) => each.target === target(40))
  await stack.admin('PATCH', `/upstreams/person.mesh/targets/${row.id}`, {
    tags: [...row.tags, 'kongsul.override:health'],
  })
  await stack.operator().apply('person')
  await call('POST', '/internal/ejections', ejection('person', 40, Date.now()))
  await mark('person', 40)
  await waitFor(async () => !(await inKv(keyOf('person', 40))), { what: 'the record being removed' })
  await otherIsPutBack('person', 41)
  equal(await healthOf('person', 40), 'UNHEALTHY')
})

test('circuits of every process are listed with service, instance and mode, as long as they are told', async () => {
  await deploy('circuit', 50)
  const view: MeshChanges = (await call('GET', '/internal/mesh')).body
  const { serviceId } = view.services.find(({ service }) => service === 'circuit')!
  const atMs = Date.now()
  const told = {
    node: 'node-a',
    atMs,
    epoch: 'e1',
    circuits: [
      {
        circuit: { kind: 'service', serviceId },
        state: 'half_open',
        since: atMs,
        until: null,
        reason: 'rate',
        counts: {},
      },
      {
        circuit: { kind: 'instance', upstream: 'circuit.mesh', target: target(50) },
        state: 'ejected',
        since: atMs,
        until: atMs + 5000,
        reason: 'consecutive',
        counts: { failed: 5 },
      },
    ],
    events: [],
  }
  equal((await call('POST', '/internal/circuits', told)).status, 204)
  const { body } = await call('GET', '/api/v1/mesh/v2/circuits')
  const rows = body.circuits.filter(({ service }: { service: string }) => service === 'circuit')
  deepEqual(
    rows.map((row: Record<string, unknown>) => [row['kind'], row['instance_id'], row['state'], row['node']]),
    [
      ['service', null, 'half_open', 'node-a'],
      ['instance', 'circuit-50', 'ejected', 'node-a'],
    ],
  )
  equal(rows[1].until, new Date(atMs + 5000).toISOString())
  equal((await call('POST', '/internal/circuits', { node: 'node-a' })).status, 422)
})

test('a plugin process of another version is let in with what it tells more, and its version is told', async () => {
  const told = { node: 'node-new', atMs: Date.now(), epoch: 'e1', circuits: [], later: { than: 'this' } }
  const answer = await call('POST', '/internal/circuits', told, { 'x-kongsul-version': '9.9.9' })
  equal(answer.status, 204)
  await call('POST', '/internal/circuits', { ...told, node: 'node-old' })
  const { body } = await call('GET', '/api/v1/mesh/v2/circuits')
  const versions = new Map(
    body.processes.map(({ node, version }: { node: string; version: string | null }) => [node, version]),
  )
  deepEqual([versions.get('node-new'), versions.get('node-old')], ['9.9.9', null])
})

test('a mode is written into the document of the service and nothing else of it', async () => {
  const yaml = '# of the team\ncircuitBreaker:\n  openSeconds: 7 # seconds\nretries: 1\n'
  await stack.consul.setKey('mesh/services/modes', yaml)
  await deploy('modes', 60)
  const set = await call('PUT', '/api/v1/mesh/v2/circuits/modes', { mode: 'forced_open' })
  deepEqual([set.status, set.body], [200, { service: 'modes', mode: 'forced_open', overridden_by: null }])
  const text = await (await fetch(`${stack.consul.url}/v1/kv/mesh/services/modes?raw`)).text()
  equal(text, '# of the team\ncircuitBreaker:\n  openSeconds: 7 # seconds\n  mode: forced_open\nretries: 1\n')
  const config = async () =>
    (await stack.admin('GET', '/services/mesh.modes/plugins')).body.data.find(
      ({ name }: { name: string }) => name === 'mesh-circuit-breaker',
    ).config
  await waitFor(async () => (await config()).mode === 'forced_open')
  const { body } = await call('GET', '/api/v1/mesh/v2/circuits')
  ok(
    body.circuits.some(
      (row: { service: string; mode: string }) => row.service === 'modes' && row.mode === 'forced_open',
    ),
  )
  equal((await call('PUT', '/api/v1/mesh/v2/circuits/modes', { mode: 'open' })).status, 422)
  equal((await call('PUT', '/api/v1/mesh/v2/circuits/nobody', { mode: 'auto' })).status, 404)
})

test('the view of the mesh is told again when it changes, and not before', async () => {
  await deploy('viewed', 70)
  const first: MeshChanges = (await call('GET', '/internal/mesh')).body
  const viewed = first.services.find(({ service }) => service === 'viewed')!
  deepEqual([viewed.upstream, viewed.routes[0]!.hosts], ['viewed.mesh', ['viewed.mesh']])
  deepEqual(viewed.instances[0], { target: target(70), id: 'viewed-70', health: 'healthy' })
  equal((await call('GET', `/internal/mesh?index=${first.index}&wait=1s`)).body.index, first.index)

  const next = call('GET', `/internal/mesh?index=${first.index}&wait=30s`)
  await stack.consul.setCheck('service:viewed-70', 'warn')
  const second: MeshChanges = (await next).body
  notEqual(second.index, first.index)
  const { instances } = second.services.find(({ service }) => service === 'viewed')!
  equal(instances.find(({ id }) => id === 'viewed-70')!.health, 'degraded')
})

test('outcomes are counted by service, instance and class of status; what nobody knows is one series', async () => {
  await deploy('counted', 80)
  const { body } = await call('GET', '/internal/mesh')
  const { serviceId } = body.services.find(({ service }: { service: string }) => service === 'counted')
  const line = (over: object) =>
    JSON.stringify({ serviceId, status: 200, tries: [{ instance: target(80) }], ...over })
  const lines = [
    line({}),
    line({ tries: [{ instance: target(81) }, { instance: target(80) }] }),
    line({ status: 503, tries: [] }),
    line({ tries: [{ instance: '203.0.113.1:1' }] }),
    line({ serviceId: 'who', tries: [{ instance: '203.0.113.1:1' }] }),
    'not json',
    line({ status: 'ok' }),
  ]
  const answer = await fetch(`${stack.operator().url}/internal/outcomes`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/x-ndjson' },
    body: `${lines.join('\n')}\n`,
  })
  equal(answer.status, 204)
  const text = await (await fetch(`${stack.operator().url}/metrics`)).text()
  const count = (labels: string) =>
    Number(new RegExp(`^mesh_requests_total\\{${labels}\\} (\\d+)$`, 'm').exec(text)?.[1] ?? 0)
  equal(count(`service="counted",instance="${target(80)}",status="2xx"`), 2)
  equal(count('service="counted",instance="",status="5xx"'), 1)
  equal(count('service="counted",instance="other",status="2xx"'), 1)
  equal(count('service="other",instance="other",status="2xx"'), 1)
  match(text, /mesh_outcomes_received_total\{result="dropped"\} 2/)
})

test('without the token, or with another, nothing is told and nothing taken', async () => {
  for (const authorization of ['', 'Bearer wrong', `Basic ${TOKEN}`]) {
    equal((await call('GET', '/internal/mesh', undefined, { authorization })).status, 401)
    equal((await call('POST', '/internal/ejections', ejection('web', 1, 1), { authorization })).status, 401)
  }
})

test('an ejection for more than a day, or of a target with a slash, is refused', async () => {
  equal((await call('POST', '/internal/ejections', ejection('web', 1, Date.now() + 90_000_000))).status, 422)
  const slash = { ...ejection('web', 1, Date.now()), target: 'a/b' }
  equal((await call('POST', '/internal/ejections', slash)).status, 422)
})

test('kongsul circuits lists circuits and forces them, and says when a mode set in Kong comes first', async () => {
  await deploy('people', 90)
  const env = { KONGSUL_ADDR: stack.operator().url }
  const opened = await runKongsul(['circuits', 'open', 'people'], env)
  deepEqual([opened.code, opened.stdout], [0, 'people: mode forced_open, refuses every request.\n'])
  const listed = await runKongsul(['circuits'], env)
  match(listed.stdout, /^SERVICE.*\n(.*\n)*people +service +unknown +forced_open/)
  const json = JSON.parse((await runKongsul(['circuits', '-o', 'json'], env)).stdout)
  ok(json.circuits.some((row: { service: string }) => row.service === 'people'))

  const breaker = async () =>
    (await stack.admin('GET', '/services/mesh.people/plugins')).body.data.find(
      ({ name }: { name: string }) => name === 'mesh-circuit-breaker',
    )
  await waitFor(async () => (await breaker()).config.mode === 'forced_open')
  await stack.settled()
  await stack.admin('PATCH', `/plugins/${(await breaker()).id}`, { config: { mode: 'disabled' } })
  await stack.operator().apply('people')
  const auto = await runKongsul(['circuits', 'auto', 'people'], env)
  match(auto.stdout, /mode auto, lets the breaker decide\.\nIn Kong somebody has set disabled/)
  equal((await runKongsul(['circuits', 'close', 'nobody'], env)).code, 1)
})

// Pauses on a real Consul and a gateway, or the Kong that KONG_ADMIN_URL names: by CLI, API and KV.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { OperatorStatus } from '../../operator/sync/operator-status.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: Mesh
let env: Record<string, string>
before(async () => {
  mesh = await Mesh.start()
  await mesh.startOperator()
  env = { CONSUL_HTTP_ADDR: mesh.consul.url, KONGSUL_ADDR: mesh.apiUrl }
})
after(() => mesh.stop())

const status = async () =>
  (await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status`)).json()) as OperatorStatus
const register = (service: string, at: number) =>
  mesh.register({ id: `${service}-${at}`, name: service, port: 9000 + at, checks: [] })
const targetsOf = async (service: string) => (await mesh.targets(service)).length
const held = (service: string) =>
  waitFor(async () => (await status()).planned.find((change) => change.service === service), {
    what: `a change of ${service} being held back`,
  })
const put = async (path: string, body: unknown) => {
  const answer = await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/services/${path}`, {
    method: 'PUT',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

test('a paused service is reported and not written, survives a restart, and is applied when resumed', async () => {
  const [web, api] = [mesh.service('paused'), mesh.service('other')]
  await register(web, 1)
  await waitFor(async () => (await targetsOf(web)) === 1)
  const { code, stdout, stderr } = await runKongsul(
    ['pause', web, '--for', '30m', '--reason', 'looking at it'],
    env,
  )
  assert.equal(code, 0, stderr)
  assert.match(stdout, /is paused until .* \(looking at it\)/)

  await register(web, 2)
  await register(api, 1)
  await waitFor(async () => (await targetsOf(api)) === 1, { what: 'the other service going on' })
  await held(web)
  assert.equal(await targetsOf(web), 1)

  await mesh.operator.stop()
  await mesh.startOperator()
  await held(web)
  const told = await status()
  assert.equal(told.services.find(({ service }) => service === web)?.state, 'paused')
  assert.deepEqual(
    told.paused.map(({ service, reason }) => [service, reason]),
    [[web, 'looking at it']],
  )
  assert.ok(told.problems.some((problem) => problem.code === 'PAUSED' && problem.service === web))
  assert.match(await (await fetch(`${mesh.apiUrl}/metrics`)).text(), /^mesh_pauses 1$/m)
  assert.equal(await targetsOf(web), 1)

  const resumed = await runKongsul(['resume', web, '-o', 'json'], env)
  assert.deepEqual(JSON.parse(resumed.stdout), { service: web, paused: false })
  await waitFor(async () => (await targetsOf(web)) === 2, { what: 'the second target' })
})

test('a pause of the whole mesh holds every service, and ends by itself', async () => {
  const service = mesh.service('all')
  const { body } = await put('*/pause', { for: '3s', reason: 'maintenance' })
  assert.equal(body['paused'], true)
  assert.equal((await put('misspelt/pause', { for: '3s' })).status, 404, 'a name that Consul has not')
  await register(service, 1)
  await held(service)
  assert.equal(await targetsOf(service), 0)
  await waitFor(async () => (await targetsOf(service)) === 1, { what: 'the target after the pause' })
  await waitFor(
    async () => (await mesh.consul.request('GET', '/kv/mesh/pause/*').catch(() => null)) === null,
    {
      what: 'the pause being gone from KV',
    },
  )
})

test('a pause written to KV by hand holds, and one written while the operator was down as well', async () => {
  const service = mesh.service('hand')
  await register(service, 1)
  await waitFor(async () => (await targetsOf(service)) === 1)
  await mesh.operator.stop()
  const direct = await runKongsul(['pause', service], { ...env, KONGSUL_ADDR: 'http://127.0.0.1:9' })
  assert.equal(direct.code, 0)
  assert.match(direct.stderr, /writing to Consul directly/)
  await register(service, 2)
  await mesh.startOperator()
  await held(service)
  assert.equal(await targetsOf(service), 1)
  await mesh.consul.deleteKey(`mesh/pause/${service}`)
  await waitFor(async () => (await targetsOf(service)) === 2)

  await mesh.setKv(`mesh/pause/${service}`, 'hands off')
  await waitFor(async () => (await status()).paused.length === 1)
  await register(service, 3)
  await held(service)
  assert.equal(await targetsOf(service), 2)
  await mesh.consul.deleteKey(`mesh/pause/${service}`)
  await waitFor(async () => (await targetsOf(service)) === 3)
})

test('a pause that makes no sense is refused by name', async () => {
  const service = mesh.service('paused')
  const cases: [string, unknown, number, string][] = [
    [`${service}/pause`, { for: 'soon' }, 422, 'for'],
    [`${service}/pause`, { until: '1h' }, 422, 'until'],
    [`${service}/resume`, { for: '1h' }, 422, 'for'],
    ['nobody/pause', {}, 404, 'nobody'],
  ]
  for (const [path, body, expected, named] of cases) {
    const answer = await put(path, body)
    assert.equal(answer.status, expected, path)
    assert.match(String(answer.body['detail']), new RegExp(named))
  }
  const unknown = await runKongsul(['pause', 'nobody'], { ...env, KONGSUL_ADDR: 'http://127.0.0.1:9' })
  assert.match(unknown.stderr, /Consul has no service nobody: the pause is for when it comes/)
  await mesh.consul.deleteKey('mesh/pause/nobody')
  const cli = await runKongsul(['pause', service, '--for', 'soon'], env)
  assert.equal(cli.code, 1)
  assert.match(cli.stderr, /"soon" is no duration above 0[\s\S]*--for 90s/)
})

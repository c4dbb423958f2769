// plan, status, doctor and drain on a real Consul and a gateway.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: Mesh
let env: Record<string, string>

before(async () => {
  mesh = await Mesh.start()
  env = {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    KONG_ADMIN_URL: mesh.adminUrl,
    KONG_PROXY_URL: mesh.proxyUrl,
    KONGSUL_MESH: mesh.name,
    KONGSUL_EXPOSE_DEFAULT: 'all',
    // Nothing listens there: no operator runs yet.
    KONGSUL_ADDR: 'http://127.0.0.1:9',
  }
})
after(() => mesh.stop())

test('plan tells changes before the first sync, nothing after it, and says when it works without the operator', async () => {
  const service = mesh.service('plan')
  const instance = await mesh.startInstance('plan-1')
  await mesh.register({ id: 'plan-1', name: service, port: instance.port })

  const first = await runKongsul(['plan', '-o', 'json'], env)
  assert.equal(first.code, 2, first.stderr)
  assert.match(
    first.stderr,
    /no operator answers at http:\/\/127\.0\.0\.1:9: reading Consul and Kong directly/,
  )
  const { changes } = JSON.parse(first.stdout) as {
    changes: { action: string; kind: string; service: string }[]
  }
  assert.ok(
    changes.some(
      ({ action, kind, ...rest }) => action === 'create' && kind === 'route' && rest.service === service,
    ),
  )

  const table = await runKongsul(['diff'], env)
  assert.equal(table.code, 2)
  assert.match(table.stdout, /\+ create +upstream/)

  await mesh.startOperator()
  await mesh.waitLive(service)
  const second = await runKongsul(['plan'], env)
  assert.deepEqual([second.code, second.stdout], [0, 'Nothing to do: Kong is as Consul says.\n'])
})

test('plan follows the settings of the operator that runs', async () => {
  const { KONGSUL_EXPOSE_DEFAULT: _, KONGSUL_MESH: __, ...plain } = env
  const { code, stdout, stderr } = await runKongsul(['plan'], { ...plain, KONGSUL_ADDR: mesh.apiUrl })
  assert.deepEqual([code, stdout, stderr], [0, 'Nothing to do: Kong is as Consul says.\n', ''])
})

test('an unreachable Consul is an error that says what was tried and what to do', async () => {
  const { code, stderr } = await runKongsul(['plan'], { ...env, CONSUL_HTTP_ADDR: '127.0.0.1:9' })
  assert.equal(code, 1)
  assert.match(stderr, /ECONNREFUSED 127\.0\.0\.1:9/)
  assert.match(
    stderr,
    /^kongsul plan: asking Consul[\s\S]*what to do: start the agent there, or set CONSUL_HTTP_ADDR/m,
  )
})

test('status shows instances with health and the weight in Kong', async () => {
  const service = mesh.service('status')
  await mesh.deploy(service, 2)
  const { code, stdout } = await runKongsul(['status', '-o', 'json'], env)
  assert.equal(code, 0)
  const { services } = JSON.parse(stdout) as {
    services: { service: string; exposed: boolean; instances: { health: string; weightInKong: number }[] }[]
  }
  const found = services.find((each) => each.service === service)!
  assert.equal(found.exposed, true)
  assert.deepEqual(
    found.instances.map(({ health, weightInKong }) => [health, weightInKong > 0]),
    [
      ['healthy', true],
      ['healthy', true],
    ],
  )
})

test('doctor finds a running mesh healthy', async () => {
  const { code, stdout } = await runKongsul(['doctor', '-o', 'json'], { ...env, KONGSUL_ADDR: mesh.apiUrl })
  const { findings } = JSON.parse(stdout) as { findings: { level: string; found: string }[] }
  assert.deepEqual(
    findings.filter(({ level }) => level === 'problem'),
    [],
  )
  assert.equal(code, 0)
})

test('doctor tells of operators of other versions than its own', async () => {
  const told = async () => {
    const asked = await runKongsul(['doctor', '-o', 'json'], { ...env, KONGSUL_ADDR: mesh.apiUrl })
    const { findings } = JSON.parse(asked.stdout) as { findings: { level: string; found: string }[] }
    return findings.filter(({ found }) => /version/.test(found) && /^(all of|mixed)/.test(found))
  }
  assert.match((await told())[0]!.found, /^all of version \d+\.\d+\.\d+: /)
  const ID = `kongsul-operator-${mesh.name}-old`
  const Meta = { mesh: mesh.name, version: '0.0.9' }
  await mesh.consul.register({ Name: 'kongsul-operator', ID, Port: 9, Meta })
  const [mixed] = await told()
  assert.equal(mixed!.level, 'warning')
  assert.match(mixed!.found, /^mixed versions: .*old 0\.0\.9.*; this command is \d/)
  await mesh.deregister(ID)
})

test('doctor tells once what the operator says is wrong, and what only that knows', async () => {
  const keys = ['mesh/service/web', 'mesh/external/nowhere']
  for (const key of keys) await mesh.setKv(key, {})
  const running = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  await waitFor(
    async () => {
      const status = await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status`)).text()
      return /KEY_UNKNOWN/.test(status) && /EXTERNAL_INVALID/.test(status)
    },
    { what: 'both being told' },
  )
  const { code, stdout } = await runKongsul(['doctor'], running)
  assert.equal(code, 1)
  assert.deepEqual(
    ['KEY_UNKNOWN', 'EXTERNAL_INVALID'].map((each) => stdout.split(each).length - 1),
    [1, 1],
    stdout,
  )
  for (const key of keys) await mesh.consul.request('DELETE', `/kv/${key}`)
})

test('doctor names what is down and exits with 1', async () => {
  const { code, stdout } = await runKongsul(['check'], { ...env, CONSUL_HTTP_ADDR: '127.0.0.1:9' })
  assert.equal(code, 1)
  assert.match(stdout, /PROBLEM +consul .*ECONNREFUSED 127\.0\.0\.1:9\n +-> start the agent there/)
})

test('drain takes an instance out without a failed request, and --undo puts it back', async () => {
  const service = mesh.service('drain')
  const [first] = await mesh.deploy(service, 2)
  const target = `127.0.0.1:${first!.port}`
  const traffic = startTraffic({
    url: `${mesh.proxyUrl}/`,
    headers: () => ({ host: `${service}.mesh` }),
    perSecond: 100,
  })
  await waitFor(() => traffic.shots.length >= 50, { what: 'traffic before the drain' })

  const drained = await runKongsul(
    ['drain', `${service}/${first!.name}`, '--reason', 'kernel update', '-o', 'json'],
    env,
  )
  assert.equal(drained.code, 0, drained.stderr)
  assert.equal(JSON.parse(drained.stdout).weight, 0)
  const drainedAt = traffic.shots.length
  await waitFor(() => traffic.shots.length >= drainedAt + 100, { what: 'traffic after the drain' })
  const shots = await traffic.stop()
  assert.deepEqual(describeFailures(shots), [])
  assert.ok(shots.slice(-50).every(({ instance }) => instance !== first!.name))

  const back = await runKongsul(['drain', first!.name, '--undo'], env)
  assert.equal(back.code, 0, back.stderr)
  const weight = (await mesh.targets(service)).find((each) => each.target === target)!.weight
  assert.ok(weight > 0)
})

test('drain --deregister removes the instance from Consul and Kong', async () => {
  const service = mesh.service('gone')
  const [first] = await mesh.deploy(service, 2)
  const { code, stderr } = await runKongsul(['drain', first!.name, '--deregister'], env)
  assert.equal(code, 0, stderr)
  await waitFor(async () => (await mesh.targets(service)).length === 1, { what: 'one target left' })
})

test('drain refuses the last instance, and an unknown one', async () => {
  const service = mesh.service('last')
  const [only] = await mesh.deploy(service, 1)
  const last = await runKongsul(['drain', only!.name], env)
  assert.equal(last.code, 1)
  assert.match(last.stderr, /no other instance of .* is healthy[\s\S]*--force/)
  const unknown = await runKongsul(['drain', 'nobody'], env)
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /there is none; Consul has/)
})

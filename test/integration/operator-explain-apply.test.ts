// explain and apply on a real Consul and a gateway, or the Kong that KONG_ADMIN_URL names.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runKongsul, startKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
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
    KONGSUL_ADDR: 'http://127.0.0.1:9',
  }
})
after(() => mesh.stop())

const register = (service: string, at: number, status = 'passing') =>
  mesh.register({
    id: `${service}-${at}`,
    name: service,
    port: 9000 + at,
    checks: [{ CheckID: `${service}-${at}-ttl`, TTL: '600s', Status: status }],
  })
const routeOf = (service: string) => `/routes/mesh.${service}.host`
const exists = async (path: string) => (await mesh.admin('GET', path)).status === 200

test('apply --once applies without an operator, one service or all', async () => {
  const [one, other] = [mesh.service('once'), mesh.service('later')]
  await register(one, 1)
  await register(other, 1)
  const first = await runKongsul(['apply', '--once', one], env)
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /create upstream once-/)
  assert.deepEqual([await exists(routeOf(one)), await exists(routeOf(other))], [true, false])
  const rest = await runKongsul(['apply', '--once', '-o', 'json'], env)
  assert.equal(rest.code, 0, rest.stderr)
  assert.equal(await exists(routeOf(other)), true)
})

test('apply --once says what it waits for', async () => {
  const once = startKongsul(['apply', '--once'], { ...env, KONG_ADMIN_URL: 'http://127.0.0.1:9' })
  const told = () => /^waiting, for 60 s at most: .*ECONNREFUSED 127\.0\.0\.1:9/m.test(once.output())
  await waitFor(told, { what: 'what it waits for' })
  await once.stop()
})

test('without an operator, apply says how to go on', async () => {
  const { code, stderr } = await runKongsul(['apply'], env)
  assert.equal(code, 1)
  assert.match(stderr, /no operator answers[\s\S]*kongsul operator/)
})

test('apply creates what somebody removed, before the next resync', async () => {
  await mesh.startOperator()
  const asked = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  const service = mesh.service('once')
  await mesh.admin('DELETE', routeOf(service))
  const { code, stdout, stderr } = await runKongsul(['apply', service], asked)
  assert.equal(code, 0, stderr)
  assert.match(stdout, /create route mesh\.once-.*\.host/)
  assert.equal(await exists(routeOf(service)), true)
  const once = await runKongsul(['apply', '--once'], asked)
  assert.equal(once.code, 1)
  assert.match(once.stderr, /operator \S+ runs and writes to Kong[\s\S]*kongsul apply without --once/)
  assert.match((await runKongsul(['apply', service], asked)).stdout, /^Nothing to do/)
  const unknown = await runKongsul(['apply', 'nobody'], asked)
  assert.equal(unknown.code, 1)
  assert.match(unknown.stderr, /404: service nobody is not in the catalog/)
})

test('explain names the route, what it beat, and why each target is in or out', async () => {
  const asked = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  const service = mesh.service('why')
  await register(service, 1)
  await register(service, 2, 'critical')
  await waitFor(async () => (await mesh.targets(service)).length === 2 && (await exists(routeOf(service))))
  const made = await mesh.admin('POST', '/routes', {
    name: `theirs-${mesh.name}`,
    paths: ['/'],
    tags: [`kongsul.mesh:${mesh.name}`],
  })
  assert.equal(made.status, 201)
  const { code, stdout, stderr } = await runKongsul(
    ['explain', `http://${service}.mesh/x`, '-H', 'accept: */*', '-o', 'json'],
    asked,
  )
  assert.equal(code, 0, stderr)
  const { route, beat, targets } = JSON.parse(stdout)
  assert.equal(route.name, `mesh.${service}.host`)
  assert.deepEqual(
    beat.map((each: { name: string }) => each.name),
    [`theirs-${mesh.name}`],
  )
  assert.deepEqual(
    targets.map((each: { instance: string; in: boolean }) => [each.instance, each.in]),
    [
      [`${service}-1`, true],
      [`${service}-2`, false],
    ],
  )
  assert.match(targets[1].reason, /unhealthy/)

  const text = await runKongsul(['explain', `/x`, '-H', `host: ${service}.mesh`], asked)
  assert.match(text.stdout, /route +mesh\.why[\s\S]*beat +theirs[\s\S]*127\.0\.0\.1:9002 .* out +unhealthy/)
  await mesh.admin('DELETE', `/routes/theirs-${mesh.name}`)

  const none = await runKongsul(['explain', 'http://nobody.example/'], asked)
  assert.deepEqual([none.code, none.stdout.includes('answers 404')], [1, true])
  const bad = await runKongsul(['explain', 'ftp://x'], asked)
  assert.match(bad.stderr, /422: url must be an http or https URL/)
})

test('explain takes a host as it is written, as Kong does', async () => {
  const asked = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  const service = mesh.service('why')
  const { code, stdout } = await runKongsul(['explain', `http://WHY${service.slice(3)}.mesh/`], asked)
  assert.equal(code, 1)
  assert.match(
    stdout,
    /answers 404\.\nKong compares hosts letter by letter: why.* would be taken by mesh\.why/,
  )
})

test('explain names the instances of other services that a split leads to', async () => {
  const asked = { ...env, KONGSUL_ADDR: mesh.apiUrl }
  const [split, part] = [mesh.service('split'), mesh.service('part')]
  await register(split, 3)
  await register(part, 4)
  const write = (entry: object) => mesh.consul.request('PUT', '/config', entry)
  for (const Name of [split, part]) await write({ Kind: 'service-defaults', Name, Protocol: 'http' })
  const Splits = [{ Weight: 0 }, { Weight: 100, Service: part }]
  await write({ Kind: 'service-splitter', Name: split, Splits })
  const targetsOf = async () => {
    const { stdout } = await runKongsul(['explain', `http://${split}.mesh/`, '-o', 'json'], asked)
    return JSON.parse(stdout).targets as { instance: string; in: boolean; reason: string }[]
  }
  const targets = await waitFor(async () => {
    const found = await targetsOf()
    return found.length === 2 ? found : null
  })
  assert.deepEqual(
    targets.map((each) => [each.instance, each.in]),
    [
      [`${split}-3`, false],
      [`${part}-4`, true],
    ],
  )
  assert.match(targets[0]!.reason, /^healthy.*; it has no share now$/)
  assert.match(targets[1]!.reason, new RegExp(`^of ${part}, healthy`))
  for (const kind of ['service-splitter', 'service-defaults'])
    await mesh.consul.request('DELETE', `/config/${kind}/${split}`)
  await mesh.consul.request('DELETE', `/config/service-defaults/${part}`)
})

// A file of services goes into Consul and Kong, is tested by real requests, and is taken back: once, twice, half-way.
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'

const folder = mkdtempSync(join(tmpdir(), 'kongsul-deploy-'))
let mesh: Mesh
before(async () => {
  mesh = await Mesh.start()
})
after(async () => {
  await mesh?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const environment = () => ({
  CONSUL_HTTP_ADDR: mesh.consul.url,
  KONG_ADMIN_URL: mesh.adminUrl,
  KONG_PROXY_URL: mesh.proxyUrl,
  KONGSUL_MESH: mesh.name,
  KONGSUL_ADDR: mesh.apiUrl,
})
const run = (args: readonly string[], env: Record<string, string> = {}) =>
  runKongsul(args, { ...environment(), ...env })

/** Writes a file for `deploy`, with checks every second. */
function fileOf(
  name: string,
  services: readonly { service: string; port: number }[],
  settings?: object,
): string {
  const path = join(folder, `${name}.yaml`)
  const rows = services.map(({ service, port }) => ({
    service_name: service,
    address: '127.0.0.1',
    port,
    health_check: { http: '/health', interval: '1s' },
  }))
  writeFileSync(path, JSON.stringify({ services: rows, ...(settings === undefined ? {} : { settings }) }))
  return path
}

const instancesOf = async (service: string) =>
  (await mesh.consul.request('GET', `/health/service/${service}`)) as {
    Service: { ID: string; ModifyIndex: number }
  }[]

/** Everything that a second run could have written. */
async function written(service: string): Promise<unknown> {
  const tag = `kongsul.mesh:${mesh.name}`
  const kinds = ['routes', 'services', 'upstreams', 'plugins']
  const lists = await Promise.all(kinds.map((kind) => mesh.admin('GET', `/${kind}?size=1000&tags=${tag}`)))
  const key = await mesh.consul.request('GET', `/kv/mesh/services/${service}`)
  const indexes = (await instancesOf(service)).map(({ Service }) => [Service.ID, Service.ModifyIndex])
  return { kong: lists.map(({ body }) => body.data), targets: await mesh.targets(service), indexes, key }
}

test('without an operator: shown and refused, then deployed, then nothing to change, then taken back', async () => {
  const service = mesh.service('shop')
  const host = `${service}.test`
  await mesh.admin('PUT', `/services/by-hand-${mesh.name}`, { url: 'http://127.0.0.1:9' })
  await mesh.admin('PUT', `/services/by-hand-${mesh.name}/routes/by-hand-${mesh.name}`, {
    paths: [`/${service}/old`],
    hosts: [host],
  })
  const { port } = await mesh.startInstance(service)
  const settings = {
    [service]: { routing: { hosts: [host], paths: [`/${service}/`] }, timeouts: { readMs: 5000 } },
  }
  const file = fileOf('shop', [{ service, port }], settings)

  const refused = await run(['deploy', file])
  equal(refused.code, 2, refused.stderr)
  match(refused.stdout, new RegExp(`\\+ path /${service}/ becomes reachable: service ${service}`))
  match(refused.stdout, new RegExp(`\\+ host ${host} becomes reachable`))
  match(refused.stdout, /Nothing was changed; nobody is there to be asked, --yes does it\./)
  deepEqual(await instancesOf(service), [])

  const done = await run(['deploy', file, '--yes'])
  equal(done.code, 0, done.stderr + done.stdout)
  match(done.stdout, /ok {6}verify: Node .*Consul \d+\..*Kong /)
  match(done.stdout, /ok {6}configure Kong: \d+ changes applied, since no operator leads/)
  match(
    done.stdout,
    new RegExp(`ok {6}validate ${service}: http://${host}/health 200, /${service}/health 200`),
  )
  match(done.stdout, new RegExp(`curl -H 'Host: ${host}' ${mesh.proxyUrl}/health`))

  const state = await written(service)
  const again = await run(['deploy', file])
  equal(again.code, 0, again.stderr)
  match(again.stdout, /Nothing was changed: all of it was there already, and answers\./)
  doesNotMatch(again.stdout + again.stderr, /cannot reach/)
  deepEqual(await written(service), state)

  const shown = await run(['destroy', file])
  equal(shown.code, 2)
  match(shown.stdout, new RegExp(`- deregister ${service}-127\\.0\\.0\\.1-${port}`))
  match(shown.stdout, new RegExp(`- delete KV mesh/services/${service}`))
  deepEqual(await written(service), state)
  const gone = await run(['destroy', file, '--yes'])
  equal(gone.code, 0, gone.stderr + gone.stdout)
  deepEqual(await instancesOf(service), [])
  deepEqual(await mesh.targets(service), [])
  equal((await mesh.admin('GET', `/services/mesh.${service}`)).status, 404)
  equal((await mesh.admin('GET', `/services/by-hand-${mesh.name}`)).status, 200)
  const ours = await mesh.admin('GET', `/upstreams?tags=kongsul.mesh:${mesh.name}`)
  deepEqual(ours.body.data, [], 'nothing of the process that applied it is left')
  match((await run(['destroy', file])).stdout, /Nothing to take back/)
  await mesh.admin('DELETE', `/routes/by-hand-${mesh.name}`)
  await mesh.admin('DELETE', `/services/by-hand-${mesh.name}`)
})

test('without an operator: all three instances are taken back at once, and not held', async () => {
  const service = mesh.service('trio')
  const started = await Promise.all([1, 2, 3].map((each) => mesh.startInstance(`${service}-${each}`)))
  const file = fileOf(
    'trio',
    started.map(({ port }) => ({ service, port })),
  )
  const done = await run(['deploy', file, '--yes'])
  equal(done.code, 0, done.stderr + done.stdout)
  equal((await mesh.targets(service)).length, 3)

  // Consul has all of it, Kong lacks a target: writing it is something to agree to.
  const target = `127.0.0.1:${started[0]!.port}`
  await mesh.admin('DELETE', `/upstreams/${service}.mesh/targets/${target}`)
  const refused = await run(['deploy', file])
  equal(refused.code, 2, refused.stdout)
  match(refused.stdout, new RegExp(`this command writes to Kong: 1 change of 1 service \\(${service}\\)`))
  equal((await mesh.targets(service)).length, 2)
  const route = `by-hand-on-${service}`
  await mesh.admin('PUT', `/services/mesh.${service}/routes/${route}`, { paths: [`/${route}`] })
  const gone = await run(['destroy', file, '--yes'])
  equal(gone.code, 0, gone.stderr + gone.stdout)
  deepEqual(await mesh.targets(service), [])
  match(gone.stderr, new RegExp(`service mesh\\.${service} .* stays, since route ${route} `))
  match(gone.stdout, /Taken back, but for what others use in Kong\./)
  for (const path of [`routes/${route}`, `services/mesh.${service}`, `upstreams/${service}.mesh`])
    await mesh.admin('DELETE', `/${path}`)
})

test('without an operator: nothing is written of services that are not in the file', async () => {
  const [service, bystander] = [mesh.service('mine'), mesh.service('bystander')]
  const { port } = await mesh.startInstance(service)
  await mesh.register({ id: bystander, name: bystander, port: 9 })
  const file = fileOf('mine', [{ service, port }])
  const done = await run(['deploy', file, '--yes'])
  equal(done.code, 0, done.stderr + done.stdout)
  match(done.stdout, new RegExp(`this command writes to Kong: \\d+ changes of 1 service \\(${service}\\)`))
  const statuses = async () =>
    await Promise.all(
      [service, bystander].map(async (name) => (await mesh.admin('GET', `/upstreams/${name}.mesh`)).status),
    )
  deepEqual(await statuses(), [200, 404])
  const gone = await run(['destroy', file, '--yes'])
  equal(gone.code, 0, gone.stderr + gone.stdout)
  equal(gone.stdout.includes(bystander), false)
  deepEqual(await statuses(), [404, 404])
  await mesh.deregister(bystander)
})

test('a route of somebody else that loses requests is named', async () => {
  const service = mesh.service('taker')
  const host = `${service}.test`
  const name = `old-${mesh.name}`
  await mesh.admin('PUT', `/services/${name}`, { url: 'http://127.0.0.1:9' })
  await mesh.admin('PUT', `/services/${name}/routes/${name}`, { paths: [`/${service}`] })
  const file = fileOf('taker', [{ service, port: 9 }], {
    [service]: { routing: { hosts: [host], paths: [`/${service}/new/`] } },
  })
  const { code, stdout } = await run(['deploy', file])
  equal(code, 2)
  match(stdout, new RegExp(`~ path /${service}/new/ changes owner: from route ${name} to service ${service}`))
  match(stdout, new RegExp(`\\+ host ${host} becomes reachable: service ${service}`))
  await mesh.admin('DELETE', `/routes/${name}`)
  await mesh.admin('DELETE', `/services/${name}`)
})

test('mistakes in a file are told all at once, by field, before anything is asked', async () => {
  const path = join(folder, 'bad.yaml')
  writeFileSync(
    path,
    'services:\n- {service_name: Web, address: 10.0.0.1, port: 80000, tag: [a]}\n- {service_name: api, address: 10.0.0.1, port: 1, weight: x}\nsettings: {api: {retrys: 1}}\n',
  )
  const nowhere = { CONSUL_HTTP_ADDR: '127.0.0.1:1', KONG_ADMIN_URL: 'http://127.0.0.1:1' }
  const { code, stderr } = await run(['deploy', path], nowhere)
  equal(code, 1)
  for (const part of [
    'services[0].service_name must be 1 to 64 of a-z, 0-9 and -',
    'services[0].port must be 1 to 65535',
    'services[0].tag is not known here; did you mean tags?',
    'services[1].weight must be a whole number',
    'settings.api: retrys ',
    'nothing was changed',
  ])
    ok(stderr.includes(part), `${part} in\n${stderr}`)
  writeFileSync(
    path,
    'services: [{service_name: web, address: 10.0.0.1, port: 1}]\nsettings: {web: {retrys: 1}, webb: {}}',
  )
  const told = await run(['deploy', path, '-o', 'json'], nowhere)
  equal(told.code, 1)
  const { error } = JSON.parse(told.stdout)
  equal(error.code, 'DEPLOY_FILE_INVALID')
  match(error.answer, /settings\.web: retrys is not a setting; did you mean retries\?/)
  match(error.answer, /settings\.webb is no service of this file: did you mean web\?/)
})

test('a Kong that does not answer is named, and nothing was changed', async () => {
  const service = mesh.service('early')
  const file = fileOf('early', [{ service, port: 9 }])
  const { code, stdout, stderr } = await run(['deploy', file, '--yes'], {
    KONG_ADMIN_URL: 'http://127.0.0.1:1',
  })
  equal(code, 1)
  match(stdout, /FAILED {2}verify/)
  match(stderr, /kong: http:\/\/127\.0\.0\.1:1: /)
  match(stderr, /what to do: start Kong there, or set KONG_ADMIN_URL .*; nothing was changed/)
  deepEqual(await instancesOf(service), [])
})

test('instances whose checks fail: what Consul says, what was done so far, and how to take it back', async () => {
  const service = mesh.service('silent')
  const file = fileOf('silent', [{ service, port: 9 }])
  const { code, stdout, stderr } = await run(['deploy', file, '--yes', '--timeout', '2'])
  equal(code, 1)
  match(stdout, /FAILED {2}wait for checks/)
  match(stderr, new RegExp(`waiting 2 s for the checks of ${service}`))
  match(stderr, new RegExp(`came back: {2}${service}-127\\.0\\.0\\.1-9: check ".*" critical`))
  match(stderr, new RegExp(`done so far: ${service}-127\\.0\\.0\\.1-9 registered in Consul`))
  match(stderr, new RegExp(`it goes on from here; to undo: kongsul destroy ${file}`))
  const taken = await run(['destroy', file, '--yes'])
  equal(taken.code, 0, taken.stderr + taken.stdout)
  deepEqual(await instancesOf(service), [])
})

test('an instance that is healthy and answers 500 is no success', async () => {
  const service = mesh.service('broken')
  const instance = await mesh.startInstance(service)
  await instance.behave({ status: 500 })
  const file = join(folder, 'broken.yaml')
  writeFileSync(
    file,
    `services: [{service_name: ${service}, address: 127.0.0.1, port: ${instance.port}, health_check: {tcp: true, interval: 1s}}]`,
  )
  const { code, stdout, stderr } = await run(['deploy', file, '--yes', '--timeout', '4'])
  equal(code, 1)
  match(stdout, new RegExp(`FAILED {2}validate ${service}`))
  match(stderr, /came back: {2}500: no instance answers well for 4 s/)
  match(stderr, /done so far: Kong: /)
  const taken = await run(['destroy', file, '--yes'])
  equal(taken.code, 0, taken.stderr + taken.stdout)
})

test('beside an operator that leads: it writes, and what vanishes is not held', async () => {
  await mesh.startOperator()
  const service = mesh.service('led')
  const started = await Promise.all([1, 2, 3].map((each) => mesh.startInstance(`${service}-${each}`)))
  const file = fileOf(
    'led',
    started.map(({ port }) => ({ service, port })),
  )
  const done = await run(['deploy', file, '--yes', '-o', 'json'])
  equal(done.code, 0, done.stderr)
  const { deployed, changes, reached } = JSON.parse(done.stdout)
  deepEqual([deployed, changes.length], [true, 3])
  deepEqual(
    reached.map(({ url, answer }: { url: string; answer: string }) => `${url} ${answer}`),
    [`http://${service}.mesh/health 200`, `/${service}/health 200`],
  )
  const again = await run(['deploy', file])
  match(again.stdout, /Nothing was changed/)

  // An operator that leads and cannot be asked decides with settings that nobody here knows.
  const unasked = await run(['deploy', file], { KONGSUL_ADDR: 'http://127.0.0.1:1' })
  equal(unasked.code, 1)
  match(unasked.stderr, /leads, and none answers at http:\/\/127\.0\.0\.1:1/)
  match(unasked.stderr, /set KONGSUL_ADDR to where its API is reached; nothing was changed/)

  const [first] = started
  await mesh.register({ id: `${service}-127.0.0.1-${first!.port}`, name: service, port: first!.port })
  // What mesh it is the operator says.
  const gone = await run(['destroy', file, '--yes'], { KONGSUL_MESH: '' })
  equal(gone.code, 0, gone.stderr + gone.stdout)
  match(gone.stdout, /ok {6}configure Kong: as Consul says, by operator /)
  match(gone.stderr, /stays: it was not registered by kongsul deploy/)
  equal((await mesh.targets(service)).length, 1)
})

test('compose: docker that is not there is named', async () => {
  const file = fileOf('compose', [{ service: mesh.service('web'), port: 9 }])
  const { code, stderr } = await run(['deploy', file, '--target', 'compose'], { PATH: folder })
  equal(code, 1)
  match(stderr, /docker is not installed/)
  match(stderr, /or give --target existing; nothing was changed/)
})

test('compose: one that is too old is named with what is needed', async () => {
  const file = fileOf('old', [{ service: mesh.service('web'), port: 9 }])
  const docker = standInDocker('', mesh.adminUrl, '2.17.3')
  const { code, stderr } = await run(['deploy', file, '--target', 'compose'], docker.env)
  equal(code, 1)
  match(stderr, /docker compose is 2\.17\.3; docker-compose\.yml needs 2\.20\.2 or newer/)
  equal(docker.told(), 'compose version --short\n')
})

/** Stands in for docker: notes what it is told, and publishes the parts of this mesh. */
function standInDocker(
  fault = '',
  adminUrl = mesh.adminUrl,
  version = '2.29.7',
): { readonly env: Record<string, string>; told(): string } {
  const bin = mkdtempSync(join(folder, 'bin-'))
  const notes = join(bin, 'told')
  const portOf = (url: string) => new URL(url).port
  writeFileSync(
    join(bin, 'docker'),
    `#!/bin/sh
echo "$*" >> ${notes}
case "$*" in
  *"port consul 8500") echo 127.0.0.1:${mesh.consul.httpPort} ;;
  *"port kong-network 8001") echo 127.0.0.1:${portOf(adminUrl)} ;;
  *"port kong-network 8000") echo 0.0.0.0:${portOf(mesh.proxyUrl)} ;;
  *"port operator 8080") echo 127.0.0.1:${portOf(mesh.apiUrl)} ;;
  *"ps -q") echo abc ;;
  "compose version --short") echo ${version} ;;
  *"${fault === '' ? 'no fault' : fault}") echo 'container kong-1 is unhealthy' >&2; exit 1 ;;
esac
`,
  )
  chmodSync(join(bin, 'docker'), 0o755)
  return { env: { PATH: bin }, told: () => readFileSync(notes, 'utf8') }
}

test('compose: part by part, each waited for, then deployed to where they are published; taken down again', async () => {
  const service = mesh.service('composed')
  const { port } = await mesh.startInstance(service)
  const file = fileOf('composed', [{ service, port }])
  const docker = standInDocker()
  // Where compose publishes them counts, whatever the environment says.
  const env = {
    ...docker.env,
    CONSUL_HTTP_ADDR: '127.0.0.1:1',
    KONG_ADMIN_URL: 'http://127.0.0.1:1',
    KONGSUL_MESH: 'elsewhere',
    KONGSUL_HOST_SUFFIX: 'elsewhere.test',
  }
  const done = await run(['deploy', file, '--target', 'compose'], env)
  equal(done.code, 0, done.stderr + done.stdout)
  match(done.stderr, /to Kong that address/)
  deepEqual(
    [...docker.told().matchAll(/up -d --wait (\S+)/g)].map(([, name]) => name),
    ['postgres', 'redis', 'consul', 'plugins', 'kong', 'operator', 'operator-2', 'prometheus', 'grafana'],
  )
  const gone = await run(['destroy', file, '--target', 'compose', '--yes'], env)
  equal(gone.code, 0, gone.stderr + gone.stdout)
  match(docker.told(), /down\n$/)
  deepEqual(await instancesOf(service), [])
})

test('compose: taken down while its Kong does not answer', async () => {
  const file = fileOf('down', [{ service: mesh.service('web'), port: 9 }])
  const docker = standInDocker('', 'http://127.0.0.1:1')
  const gone = await run(['destroy', file, '--target', 'compose', '--yes'], docker.env)
  equal(gone.code, 0, gone.stderr + gone.stdout)
  match(gone.stderr, /warning: what is registered stays in the volume of Consul: .*ECONNREFUSED/)
  match(docker.told(), /down\n$/)
})

test('volumes without compose are refused', async () => {
  const { code, stderr } = await run(['destroy', fileOf('kept', [{ service: 'web', port: 9 }]), '--volumes'])
  equal(code, 1)
  match(stderr, /give --target compose, or leave --volumes out; nothing was changed/)
})

test('compose: a part that does not become healthy ends it, and what was started is told', async () => {
  const file = fileOf('unhealthy', [{ service: mesh.service('web'), port: 9 }])
  const docker = standInDocker('up -d --wait kong')
  const { code, stdout, stderr } = await run(['deploy', file, '--target', 'compose'], docker.env)
  equal(code, 1)
  match(stdout, /FAILED {2}start kong/)
  match(stderr, /container kong-1 is unhealthy/)
  match(stderr, /done so far: containers of docker-compose\.yml started/)
  match(stderr, /to undo: kongsul destroy .* --target compose/)
  ok(!docker.told().includes('--wait operator'))
})

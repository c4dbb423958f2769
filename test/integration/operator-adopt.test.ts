// Taking over what somebody made by hand, on a real Consul and a gateway, or the Kong that KONG_ADMIN_URL names.
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
  await mesh.startOperator()
  env = { KONGSUL_ADDR: mesh.apiUrl }
})
after(() => mesh.stop())

const isOurs = ({ tags }: { tags: string[] | null }) => tags?.includes('managed-by:kongsul') === true

test('an upstream, a service with its route and plugin, and a route are taken over without a failed request', async () => {
  const service = mesh.service('adopt')
  const instance = await mesh.startInstance(`${service}-1`)
  const make = async (path: string, body: object) => {
    const { status, body: made } = await mesh.admin('POST', path, body)
    assert.equal(status, 201, JSON.stringify(made))
    return made as { id: string }
  }
  const upstream = await make('/upstreams', { name: `${service}.mesh` })
  await make(`/upstreams/${upstream.id}/targets`, { target: `127.0.0.1:${instance.port}` })
  await make(`/upstreams/${upstream.id}/targets`, { target: '127.0.0.1:9', weight: 0 })
  const old = await make('/services', { name: `mesh.${service}`, host: `${service}.mesh`, retries: 1 })
  const hosts = [`${service}.mesh`]
  const route = await make('/routes', { name: `mesh.${service}.host`, hosts, service: { id: old.id } })
  const extra = await make('/routes', {
    name: `extra-${service}`,
    hosts: [`extra.${service}`],
    service: { id: old.id },
    tags: [`kongsul.mesh:${mesh.name}`],
  })
  const plugin = await make('/plugins', { name: 'cors', service: { id: old.id } })
  await mesh.waitLive(service)
  await mesh.register({ id: `${service}-1`, name: service, port: instance.port, checks: [] })
  const status = async () =>
    (await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status`)).json()) as {
      problems: { code: string; service: string }[]
    }
  await waitFor(async () =>
    (await status()).problems.some((each) => each.code === 'NAME_CONFLICT' && each.service === service),
  )
  const told: string[] = []
  const traffic = startTraffic({
    url: `${mesh.proxyUrl}/`,
    headers: () => ({ host: hosts[0]! }),
    perSecond: 100,
  })
  for (const [kind, name] of [
    ['upstream', `${service}.mesh`],
    ['service', `mesh.${service}`],
    ['route', `mesh.${service}.host`],
  ] as const) {
    const { code, stdout, stderr } = await runKongsul(['adopt', kind, name], env)
    assert.equal(code, 0, stderr)
    told.push(stdout)
    await waitFor(async () => isOurs((await mesh.admin('GET', `/${kind}s/${name}`)).body))
  }
  for (const path of [`/upstreams/${upstream.id}`, `/services/${old.id}`, `/routes/${route.id}`]) {
    await waitFor(async () => (await mesh.admin('GET', path)).status === 404, { what: `${path} being gone` })
  }
  assert.match(told[0]!, /has not any more:[\s\S]*target 127\.0\.0\.1:9 \(weight 0\)/)
  assert.match(told[1]!, /has not any more:[\s\S]*retries: 1 \(3 now\)/)
  const { id } = (await mesh.admin('GET', `/services/mesh.${service}`)).body
  assert.equal((await mesh.admin('GET', `/routes/${extra.id}`)).body.service.id, id)
  assert.equal((await mesh.admin('GET', `/plugins/${plugin.id}`)).body.service.id, id)
  const seen = traffic.shots.length
  await waitFor(() => traffic.shots.length > seen + 100, { what: 'traffic after it all' })
  assert.deepEqual(describeFailures(await traffic.stop()), [])
  assert.deepEqual(
    (await status()).problems.filter((each) => each.service === service),
    [],
  )
})

test('what is no conflict is not adopted', async () => {
  const service = mesh.service('plain')
  await mesh.register({ id: `${service}-1`, name: service, port: 9001, checks: [] })
  await waitFor(async () => (await mesh.admin('GET', `/services/mesh.${service}`)).status === 200)
  const ours = await runKongsul(['adopt', 'service', `mesh.${service}`], env)
  assert.match(ours.stderr, /409: .* is kongsul's already/)
  const unknown = await runKongsul(['adopt', 'service', 'whatever'], env)
  assert.match(unknown.stderr, /404: service whatever is no name of kongsul's/)
  const name = `mesh.${service}.extra`
  const made = await mesh.admin('POST', '/routes', { name, hosts: [`extra.${service}.example`] })
  const extra = await runKongsul(['adopt', 'route', name], env)
  assert.match(extra.stderr, /404: route \S+ is no name of kongsul's: nothing would take its place/)
  assert.deepEqual((await mesh.admin('GET', `/routes/${made.body.id}`)).body, made.body)
  await mesh.admin('DELETE', `/routes/${made.body.id}`)
})

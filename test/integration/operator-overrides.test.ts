// Edits made in Kong by a person, on a real Consul and a gateway, or the Kong that KONG_ADMIN_URL names.
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
  // Every second: edits are noticed when Kong is read.
  await mesh.startOperator({ KONGSUL_RESYNC_CRON: '* * * * * *' })
  env = { CONSUL_HTTP_ADDR: mesh.consul.url, KONGSUL_ADDR: mesh.apiUrl }
})
after(() => mesh.stop())

interface Row {
  entity: string
  kind: string
  name: string
  service: string
  field: string
  wanted: unknown
  actual: unknown
  since: string | null
}
const deploy = async (base: string) => {
  const service = mesh.service(base)
  await mesh.register({ id: `${service}-1`, name: service, port: 9001, checks: [] })
  await waitFor(async () => (await mesh.targets(service)).length === 1)
  await waitFor(async () => (await mesh.admin('GET', `/routes/mesh.${service}.host`)).status === 200)
  return service
}
const overrides = async () =>
  (await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/overrides`)).json()) as {
    overrides: Row[]
    total: number
  }
const overrideOf = (service: string, field: string) =>
  waitFor(
    async () => (await overrides()).overrides.find((row) => row.service === service && row.field === field),
    { what: `the override of ${field} of ${service}` },
  )
const inKong = async (service: string) => (await mesh.admin('GET', `/services/mesh.${service}`)).body
const status = async () =>
  (await (await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status`)).json()) as OperatorStatus

test('an edit is listed with what was wanted and since when, and given back by release', async () => {
  const service = await deploy('edit')
  await mesh.admin('PATCH', `/services/mesh.${service}`, { read_timeout: 7000, retries: 9 })
  const row = await overrideOf(service, 'read_timeout')
  assert.deepEqual([row.kind, row.name, row.wanted, row.actual], ['service', `mesh.${service}`, 60_000, 7000])
  assert.ok(Date.now() - Date.parse(row.since!) < 60_000)

  const listed = await runKongsul(['overrides'], env)
  assert.match(listed.stdout, /read_timeout +7000 +60000/)
  const released = await runKongsul(['overrides', 'release', `mesh.${service}`, '--field', 'retries'], env)
  assert.equal(released.code, 0, released.stderr)
  await waitFor(async () => (await inKong(service)).retries === 3, { what: 'the retries of Consul' })
  assert.equal((await inKong(service)).read_timeout, 7000)

  assert.equal((await runKongsul(['overrides', 'release', row.entity], env)).code, 0)
  await waitFor(async () => (await inKong(service)).read_timeout === 60_000)
  await waitFor(async () => (await overrides()).overrides.every((each) => each.service !== service))
  const again = await runKongsul(['overrides', 'release', row.entity], env)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /404: no field of service mesh\.\S+ is edited or pinned by hand/)
})

test('a pinned field is not written when Consul changes it', async () => {
  const service = await deploy('pin')
  const { code, stderr } = await runKongsul(
    ['overrides', 'pin', `service/mesh.${service}`, '--field', 'read_timeout'],
    env,
  )
  assert.equal(code, 0, stderr)
  await mesh.setKv(`mesh/services/${service}`, { timeouts: { readMs: 5000 }, retries: 8 })
  await waitFor(async () => (await inKong(service)).retries === 8)
  assert.equal((await inKong(service)).read_timeout, 60_000)
  assert.equal((await overrideOf(service, 'read_timeout')).wanted, 5000)
  const unknown = await runKongsul(['overrides', 'pin', `mesh.${service}`, '--field', 'colour'], env)
  assert.match(unknown.stderr, /422: colour is not managed/)
})

test('an override ends by itself after overrides.ttlSeconds', async () => {
  const service = await deploy('ttl')
  await mesh.setKv(`mesh/services/${service}`, { overrides: { ttlSeconds: 3 } })
  await mesh.admin('PATCH', `/services/mesh.${service}`, { read_timeout: 7000 })
  await overrideOf(service, 'read_timeout')
  await waitFor(async () => (await inKong(service)).read_timeout === 60_000, {
    what: 'the end of the override',
  })
})

test('policy revert undoes the edit', async () => {
  const service = await deploy('revert')
  await mesh.setKv(`mesh/services/${service}`, { overrides: { policy: 'revert' }, retries: 4 })
  await waitFor(async () => (await inKong(service)).retries === 4)
  await mesh.admin('PATCH', `/services/mesh.${service}`, { read_timeout: 7000 })
  await waitFor(async () => (await inKong(service)).read_timeout === 60_000, {
    what: 'the edit being undone',
  })
})

test('a target that a person keeps out is not put back', async () => {
  const service = await deploy('health')
  await mesh.register({ id: `${service}-2`, name: service, port: 9002, checks: [] })
  const [target] = await waitFor(async () => {
    const targets = await mesh.targets(service)
    return targets.length === 2 ? targets : null
  })
  const path = `/upstreams/${service}.mesh/targets/${target!.id}`
  const health = async () => {
    const { body } = await mesh.admin('GET', `/upstreams/${service}.mesh/health`)
    return (body.data as { id: string; health: string }[]).find(({ id }) => id === target!.id)?.health
  }
  await waitFor(async () => (await health()) === 'HEALTHY', { what: 'the balancer' })
  assert.equal(
    (await mesh.admin('PATCH', path, { tags: [...target!.tags, 'kongsul.override:health'] })).status,
    200,
  )
  await waitFor(
    async () => {
      if ((await health()) === 'UNHEALTHY') return true
      await mesh.admin(
        'PUT',
        `/upstreams/${service}.mesh/targets/${encodeURIComponent(target!.target)}/unhealthy`,
      )
      return false
    },
    { what: 'the mark' },
  )
  const row = await overrideOf(service, 'health')
  assert.deepEqual([row.kind, row.name], ['target', target!.target])
  // Another mark comes and goes meanwhile: the healer is at work, on this upstream as well.
  const other = (await mesh.targets(service)).find(({ id }) => id !== target!.id)!
  await mesh.admin('PUT', `/upstreams/${service}.mesh/targets/${encodeURIComponent(other.target)}/unhealthy`)
  await waitFor(
    async () => {
      const { body } = await mesh.admin('GET', `/upstreams/${service}.mesh/health`)
      return (
        (body.data as { id: string; health: string }[]).find(({ id }) => id === other.id)?.health ===
        'HEALTHY'
      )
    },
    { what: 'the other mark being taken back' },
  )
  assert.equal(await health(), 'UNHEALTHY')
  assert.equal((await runKongsul(['overrides', 'release', target!.id], env)).code, 0)
  await waitFor(async () => (await health()) === 'HEALTHY', {
    what: 'the target being back',
  })
})

test('an entity removed three times is a conflict and left alone', async () => {
  const service = await deploy('war')
  const route = `/routes/mesh.${service}.host`
  for (const removal of ['first', 'second']) {
    await mesh.admin('DELETE', route)
    await waitFor(async () => (await mesh.admin('GET', route)).status === 200, {
      what: `the route after its ${removal} removal`,
    })
  }
  await mesh.admin('DELETE', route)
  const problem = await waitFor(async () =>
    (await status()).problems.find(
      ({ code, service: of }) => code === 'REMOVED_REPEATEDLY' && of === service,
    ),
  )
  assert.match(problem.message, /kongsul apply/)
  assert.equal((await mesh.admin('GET', route)).status, 404)
})

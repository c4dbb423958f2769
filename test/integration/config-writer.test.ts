// The writer of a Kong without database against the dev gateway: what it refuses, and what becomes of the rest.
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { type Gateway, startGateway } from '../../kong/gateway/gateway.ts'
import { type Change, diff } from '../../operator/core/diff.ts'
import type { Entity, KongState } from '../../operator/core/entity.ts'
import { ConfigWriter } from '../../operator/kong/config-writer.ts'
import type { Executed } from '../../operator/kong/execute.ts'
import { KongAdmin } from '../../operator/kong/kong-admin.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { createMetrics } from '../../operator/telemetry/metrics.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { waitFor } from '../support/wait-for.ts'
import { desire, instance } from '../unit/core/build-mesh.ts'

let gateway: Gateway
let proxy: FaultyProxy
let adminUrl: string
let isDown = false
let writer: ConfigWriter
let foreign: KongState[] = []
const stopping = new AbortController()

before(async () => {
  gateway = await startGateway({ proxyPort: 0, adminPort: 0, dbless: true, log: silentLogger, env: {} })
  adminUrl = `http://127.0.0.1:${gateway.adminPort}`
  proxy = await startFaultyProxy(adminUrl, (method) => (isDown && method === 'POST' ? 'drop' : 'none'))
})
after(async () => {
  stopping.abort()
  await proxy.close()
  await gateway.close()
})
beforeEach(async () => {
  isDown = false
  foreign = []
  await post({ _format_version: '3.0' })
  const metrics = createMetrics('0.0.0')
  const admin = new KongAdmin({ adminUrl: proxy.url, timeoutMs: 5000, parallel: 8 }, metrics)
  const { signal } = stopping
  const onForeign = (state: KongState) => foreign.push(state)
  writer = new ConfigWriter({ admin, metrics, signal, onForeign, onFailure: () => {} })
  await writer.read()
})

const post = async (document: object): Promise<number> => {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(`${adminUrl}/config`, { method: 'POST', headers, body: JSON.stringify(document) }))
    .status
}
const names = async (collection: string): Promise<string[]> => {
  const { data } = (await (await fetch(`${adminUrl}/${collection}?size=1000`)).json()) as {
    data: { name: string }[]
  }
  return data.map(({ name }) => name).sort()
}
const creationsOf = (
  service: string,
  change: (entity: Entity) => Entity = (entity) => entity,
): readonly Change[] => {
  const { state } = desire({ [service]: [instance(1)] })
  const changed = new Map([...state].map(([key, entity]) => [key, change(entity)]))
  return diff(new Map(), changed, { mesh: 'default', policy: 'revert' }).changes
}
const write = (changes: readonly Change[]): Promise<Executed[]> =>
  Promise.all(changes.map((change) => writer.execute(change)))
const tooHeavy = (entity: Entity): Entity =>
  entity.kind === 'target' ? { ...entity, fields: { ...entity.fields, weight: 70_000 } } : entity
const lost = (entity: Entity): Entity =>
  entity.kind === 'route'
    ? { ...entity, fields: { ...entity.fields, service: { id: '11111111-1111-4111-8111-111111111111' } } }
    : entity
const KEY = '33333333-3333-4333-8333-333333333333'
const posts = () => proxy.requests.filter((line) => line.startsWith('POST')).length

test('a service whose entity is refused is left out with the reason, and the others go on', async () => {
  const [bad, good] = await Promise.allSettled([
    write(creationsOf('bad', tooHeavy)),
    write(creationsOf('good')),
  ])
  equal(good.status, 'fulfilled')
  match(
    String((bad as PromiseRejectedResult).reason),
    /target .* weight: value should be between 0 and 65535/,
  )
  deepEqual(await names('services'), ['mesh.good'])
})

test('a key that is revoked goes, whatever else of its service is refused', async () => {
  const id = '22222222-2222-4222-8222-222222222222'
  const consumers = [
    { id, username: 'web', jwt_secrets: [{ id: KEY, key: 'k1', algorithm: 'HS256', secret: 's' }] },
  ]
  equal(await post({ _format_version: '3.0', consumers }), 201)
  const held = (await writer.read()).get(`jwt_secret/${KEY}`)!
  const revocation: Change = { action: 'delete', entity: held, before: held, fields: [], service: 'bad' }
  const [bad, gone] = await Promise.allSettled([write(creationsOf('bad', tooHeavy)), write([revocation])])
  deepEqual([bad?.status, gone?.status], ['rejected', 'fulfilled'])
  equal((await fetch(`${adminUrl}/jwts/${KEY}`)).status, 404)
})

test('a dangling reference is found by its name, though the list of errors is empty', async () => {
  const all = ['one', 'two', 'three'].map((service) => write(creationsOf(service)))
  const bad = write(creationsOf('dangling', lost))
  await rejects(bad, /mesh\.dangling\.host.*11111111/)
  await Promise.all(all)
  deepEqual(await names('services'), ['mesh.one', 'mesh.three', 'mesh.two'])
})

test('what was refused is not posted again as it is, and is when it has changed', async () => {
  await rejects(write(creationsOf('stubborn', tooHeavy)))
  const before = posts()
  await rejects(write(creationsOf('stubborn', tooHeavy)), /weight/)
  equal(posts(), before)
  await write(creationsOf('stubborn'))
  deepEqual(await names('services'), ['mesh.stubborn'])
})

test('changes of many services are one configuration', async () => {
  const before = posts()
  await Promise.all(Array.from({ length: 50 }, (_, at) => write(creationsOf(`s${at}`))))
  equal(posts(), before + 1)
  equal((await names('services')).length, 50)
})

test('what was decided before somebody else posted is decided anew', async () => {
  await write(creationsOf('mine'))
  equal(await post({ _format_version: '3.0', services: [{ name: 'theirs', host: 'h' }] }), 201)
  const results = await write(creationsOf('late'))
  ok(results.every(({ isOutdated, wrote }) => isOutdated === true && !wrote))
  deepEqual(
    foreign.map((state) => [...state.values()].map(({ name }) => name)),
    [['theirs']],
  )
  await write(creationsOf('late'))
  deepEqual(await names('services'), ['mesh.late', 'theirs'])
})

test('a configuration whose answer was lost is known again by its hash', async () => {
  isDown = true
  await rejects(write(creationsOf('unanswered')))
  isDown = false
  deepEqual(await names('services'), ['mesh.unanswered'])
  const reads = () => proxy.requests.filter((line) => line === 'GET /config').length
  const before = reads()
  equal(await writer.hasChanged(), false)
  ok([...(await writer.read()).values()].some(({ name }) => name === 'mesh.unanswered'))
  equal(reads(), before)
})

test('all instances of a service are never marked at once: whoever replaces them comes with the batch', async () => {
  const first = desire({ web: [instance(1)] }).state
  await write(diff(new Map(), first, { mesh: 'default', policy: 'revert' }).changes)
  const before = proxy.requests.length
  const next = desire({ web: [instance(2)] }).state
  await write(diff(first, next, { mesh: 'default', policy: 'revert' }).changes)
  deepEqual(
    proxy.requests.slice(before).filter((line) => line.includes('unhealthy')),
    [],
  )
})

test('an instance that goes is marked before the batch where others are left', async () => {
  const first = desire({ web: [instance(1), instance(2)] }).state
  await write(diff(new Map(), first, { mesh: 'default', policy: 'revert' }).changes)
  const before = proxy.requests.length
  const next = desire({ web: [instance(2)] }).state
  await write(diff(first, next, { mesh: 'default', policy: 'revert' }).changes)
  const since = proxy.requests.slice(before)
  await waitFor(() => since.length > 0)
  match(since[0]!, /^PUT .*10\.0\.0\.1:80\/unhealthy$/)
})

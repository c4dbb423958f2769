import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inParallel } from '../../operator/consul/in-parallel.ts'
import { type BulkCatalog, type BulkInstance, bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { Mesh } from '../support/mesh.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

const SERVICES = 100
/** The first of each service is well: which weights stay where all are critical is another story. */
const INSTANCES = 11
const FLIPS = 1_000
/** They flap until the other service was followed, at the longest so long. */
const LONGEST_MS = 15_000
const AT_ONCE = 8

let mesh: Mesh
let catalog: BulkCatalog
let steady: string
let instances: readonly BulkInstance[]
before(async () => {
  mesh = await Mesh.start()
  steady = mesh.service('steady')
  catalog = bulkCatalog(mesh.consul.url)
  instances = meshOf(SERVICES, INSTANCES, { nameOf: (n) => mesh.service(`flap${n}`) })
  await catalog.registerAll(instances)
  // The backstop, more often than by default: in the end nothing may differ, whatever one of its ways has missed.
  await mesh.startOperator({ KONGSUL_RESYNC_CRON: '*/20 * * * * *' })
  await mesh.deploy(steady, 1)
})
after(async () => {
  catalog.close()
  await mesh.stop()
})

/** Is there weight, by service and target. */
type Weighted = Readonly<Record<string, Readonly<Record<string, boolean>>>>

async function byService(
  read: (service: string) => Promise<readonly (readonly [target: string, hasWeight: boolean])[]>,
): Promise<Weighted> {
  const names = [...new Set(instances.map(({ service }) => service))]
  const lists = await inParallel(names, AT_ONCE, read)
  return Object.fromEntries(names.map((name, at) => [name, Object.fromEntries(lists[at]!)]))
}

interface HealthRow {
  readonly Service: { readonly Address: string; readonly Port: number }
  readonly Checks: readonly { readonly Status: string }[]
}

const saidByConsul = () =>
  byService(async (service) => {
    const rows = (await mesh.consul.request('GET', `/health/service/${service}`)) as readonly HealthRow[]
    return rows.map(({ Service: { Address, Port }, Checks }) => [
      `${Address}:${Port}`,
      Checks.every(({ Status }) => Status === 'passing'),
    ])
  })

const heldByKong = () =>
  byService(async (service) =>
    (await mesh.targets(service)).map(({ target, weight }) => [target, weight > 0]),
  )

/**
 * Flips checks at random, as fast as Consul takes it, until there were 1,000 flips and `isEnough`. At most a fifth of them
 * fail at any moment: what is held when half of a mesh turns critical at once is another story. @returns how many flips
 */
async function flap(isEnough: () => boolean): Promise<number> {
  const random = seededRandom(1)
  const flapping = instances.filter((_, n) => n % INSTANCES > 0)
  const lanes = Array.from({ length: AT_ONCE }, (_, lane) => flapping.filter((_, n) => n % AT_ONCE === lane))
  let flips = 0
  await inParallel(lanes, AT_ONCE, async (lane) => {
    const failing = new Set<BulkInstance>()
    for (; flips < FLIPS || !isEnough(); flips++) {
      const instance = random.pick(failing.size < lane.length / 5 ? lane : [...failing])
      const recovers = failing.delete(instance)
      if (!recovers) failing.add(instance)
      await catalog.register({ ...instance, check: recovers ? 'passing' : 'critical' })
    }
  })
  return flips
}

test('while 1,000 checks of 100 services flap another service loses no request and is followed', async () => {
  const added = await mesh.startInstance(`${steady}-2`)
  const headers = () => ({ host: `${steady}.mesh` })
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/`, headers, perSecond: 100 })
  const startedMs = performance.now()
  const elapsedMs = () => performance.now() - startedMs
  const isFollowed = () => traffic.shots.some(({ instance }) => instance === added.name)
  const flapping = flap(() => isFollowed() || elapsedMs() > LONGEST_MS)
  await mesh.register({ id: added.name, name: steady, port: added.port })
  const flips = await flapping.finally(() => traffic.stop())
  ok(isFollowed(), `its second instance is not served after ${elapsedMs().toFixed(0)} ms and ${flips} flips`)
  deepEqual(describeFailures(traffic.shots), [])
})

test('once checks flap no more each target has the weight of what Consul says', async (t) => {
  const startedMs = performance.now()
  await waitFor(async () => deepEqual(await heldByKong(), await saidByConsul()) ?? true, {
    deadlineMs: 60_000,
    pollMs: 100,
    what: 'Kong being equal to Consul',
  })
  t.diagnostic(`Kong is equal to Consul after ${(performance.now() - startedMs).toFixed(0)} ms`)
  const status = await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status`)
  const { ready, failing, held } = (await status.json()) as Record<string, unknown>
  equal(ready, true)
  deepEqual([failing, held], [[], []])
})

// A large mesh: the first sync, the price of one change in it, and what it asks of Consul and Kong at rest.
import { setTimeout as delay } from 'node:timers/promises'
import { bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { Mesh } from '../support/mesh.ts'
import { meshPluginEnv } from '../support/mesh-plugins.ts'
import { parseMetrics, type Sample, sumOf } from '../support/metrics.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Figure, type Part, percentile } from './figure.ts'

const SERVICES = Number(process.env['BENCH_SCALE_SERVICES'] ?? 2_000)
/** However many they are, and busy the machine is. */
const FIRST_SYNC_MS = 600_000
const INSTANCES = 3
const CHANGES = 20
const REST_MS = 15_000

export const scale: Part = {
  name: 'scale',
  about: `${SERVICES} services x ${INSTANCES}, both plugins of the mesh: first sync, one change, rest`,
  async run(log) {
    const plugins = await meshPluginEnv()
    const mesh = await Mesh.start(plugins.env)
    try {
      const catalog = bulkCatalog(mesh.consul.url)
      await catalog.registerAll(meshOf(SERVICES, INSTANCES, { nameOf: (n) => nameOf(mesh, n) }))
      catalog.close()
      log('registered; first sync ...')
      const startedAt = performance.now()
      // The full resync asks once per upstream, spread; it is left out of what is asked at rest.
      await mesh.startOperator({ KONGSUL_RESYNC_CRON: '0 0 1 1 *' }, FIRST_SYNC_MS)
      const syncMs = performance.now() - startedAt
      const cold = await metricsOf(mesh)
      const rest = await measureRest(mesh)
      const changes = await measureChanges(mesh, rest.consul)
      const calls = sumOf(cold, 'mesh_kong_requests_total') / SERVICES
      const plugged = sumOf(cold, 'mesh_changes_total', { kind: 'plugin' }) / SERVICES
      return [
        { what: 'first sync', value: syncMs / 1000, unit: 's' },
        {
          what: 'first sync, Admin calls per service (4 writes and one per instance, and reads by page)',
          value: calls - plugged,
          unit: 'calls',
          goal: 5 + INSTANCES,
        },
        {
          what: 'first sync, Admin calls per service for the plugins of the mesh on top',
          value: plugged,
          unit: 'calls',
          goal: 2,
        },
        ...changes,
        { what: 'at rest, requests to Consul', value: rest.consul, unit: '/s', goal: 1 },
        { what: 'at rest, requests to Kong', value: rest.kong, unit: '/s', goal: 1 },
        {
          what: 'RSS',
          value: sumOf(await metricsOf(mesh), 'process_resident_memory_bytes') / 2 ** 20,
          unit: 'MiB',
          goal: 200,
        },
        { what: 'at rest, of one core', value: 100 * rest.cores, unit: '%' },
      ]
    } finally {
      await mesh.stop()
      plugins.remove()
    }
  },
}

interface Rest {
  /** Requests a second. */
  readonly consul: number
  readonly kong: number
  /** Processor time, in cores. */
  readonly cores: number
}

async function measureRest(mesh: Mesh): Promise<Rest> {
  const before = await metricsOf(mesh)
  await delay(REST_MS) // what it asks at rest is what it asks in a stretch of rest
  const after = await metricsOf(mesh)
  const perSecond = (name: string) => (sumOf(after, name) - sumOf(before, name)) / (REST_MS / 1000)
  return {
    consul: perSecond('mesh_consul_requests_total'),
    kong: perSecond('mesh_kong_requests_total'),
    cores: perSecond('process_cpu_seconds_total'),
  }
}

/**
 * Each change adds an instance to one service; the clock stops when Kong lists its target.
 * @param restPerSecond what is asked of Consul whether anything changes or not
 */
async function measureChanges(mesh: Mesh, restPerSecond: number): Promise<Figure[]> {
  const took: number[] = []
  const takenAfter: number[] = []
  const before = await metricsOf(mesh)
  const begunAt = performance.now()
  for (let i = 0; i < CHANGES; i++) {
    const service = nameOf(mesh, i * 7)
    const startedAt = performance.now()
    await mesh.register({
      id: `${service}-extra`,
      name: service,
      port: 9_999,
      checks: passing(`${service}-extra`),
    })
    takenAfter.push(performance.now() - startedAt)
    await waitFor(async () => (await mesh.targets(service)).length === INSTANCES + 1, {
      pollMs: 10, // asking more often takes the gateway's time from the operator's write
      what: 'the added target',
    })
    took.push(performance.now() - startedAt)
    await delay(700) // single changes, not a burst
  }
  const atRest = (restPerSecond * (performance.now() - begunAt)) / 1000
  const after = await metricsOf(mesh)
  const asked = sumOf(after, 'mesh_consul_requests_total') - sumOf(before, 'mesh_consul_requests_total')
  return [
    { what: 'one change in Kong, p50', value: percentile(took, 50), unit: 'ms', goal: 100 },
    { what: 'one change in Kong, p95', value: percentile(took, 95), unit: 'ms' },
    {
      what: "of that Consul's agent taking the registration, p50",
      value: percentile(takenAfter, 50),
      unit: 'ms',
    },
    {
      what: 'one change, requests to Consul beyond those at rest',
      value: (asked - atRest) / CHANGES,
      unit: 'calls',
      goal: 5,
    },
  ]
}

const nameOf = (mesh: Mesh, n: number): string => mesh.service(`scale${n}`)
const passing = (id: string) => [{ CheckID: `ttl:${id}`, TTL: '24h', Status: 'passing' }]

async function metricsOf(mesh: Mesh): Promise<Sample[]> {
  return parseMetrics(await (await fetch(`${mesh.apiUrl}/metrics`)).text())
}

// 100 changes a second over 500 services: how long each takes from Consul to Kong, and what it costs there.
import { isDeepStrictEqual } from 'node:util'
import { inParallel } from '../../operator/consul/in-parallel.ts'
import { isWrite, startAdminProxy } from '../support/admin-proxy.ts'
import { type BulkInstance, bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { expectedTargets, churn as makeChurn } from '../support/churn.ts'
import { lagsOf, writesByTarget } from '../support/churn-lag.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Part, percentile } from './figure.ts'

const SERVICES = 500
const INSTANCES = 3
const PER_SECOND = 100
const SECONDS = Number(process.env['BENCH_CHURN_SECONDS'] ?? 60)

export const churn: Part = {
  name: 'churn',
  about: `${PER_SECOND} changes a second for ${SECONDS} s over ${SERVICES} services x ${INSTANCES}`,
  async run(log) {
    const mesh = await Mesh.start()
    const proxy = await startAdminProxy(mesh.adminUrl)
    const catalog = bulkCatalog(mesh.consul.url)
    try {
      const instances = meshOf(SERVICES, INSTANCES, { nameOf: (n) => mesh.service(`s${n}`) })
      await catalog.registerAll(instances)
      await mesh.startOperator({ KONG_ADMIN_URL: proxy.url, KONGSUL_RESYNC_CRON: '0 0 1 1 *' })
      const from = proxy.calls.length
      const startedMs = performance.now()
      const { changes, instances: left } = await makeChurn(instances, {
        catalog,
        perSecond: PER_SECOND,
        seconds: SECONDS,
        seed: 1,
      })
      const tookS = (performance.now() - startedMs) / 1000
      const isEqual = async () => (await differing(mesh, left)) === 0
      await waitFor(isEqual, { deadlineMs: 60_000, pollMs: 500, what: 'Kong being equal to Consul' }).catch(
        (error: Error) => log(error.message),
      )
      const missed = await differing(mesh, left)
      const written = writesByTarget(proxy.calls.slice(from))
      const lags = lagsOf(mesh.name, changes, written)
      const seen = lags.filter((lag) => lag !== null)
      const writes = proxy.calls.slice(from).filter(isWrite).length
      for (const kind of new Set(changes.map((change) => change.kind))) {
        const ofKind = lagsOf(
          mesh.name,
          changes.filter((change) => change.kind === kind),
          written,
        ).filter((lag) => lag !== null)
        if (ofKind.length > 0)
          log(
            `${kind}: p50 ${percentile(ofKind, 50).toFixed(0)} ms, p99 ${percentile(ofKind, 99).toFixed(0)} ms`,
          )
      }
      log(
        `${changes.length} changes in ${tookS.toFixed(1)} s, ${seen.length} of ${lags.length} with a write of their own`,
      )
      return [
        { what: 'changes made', value: changes.length / tookS, unit: '/s', goal: PER_SECOND },
        { what: 'services that differ in the end', value: missed, unit: '', goal: 0 },
        { what: 'Consul -> Kong, p50', value: percentile(seen, 50), unit: 'ms' },
        { what: 'Consul -> Kong, p99', value: percentile(seen, 99), unit: 'ms', goal: 500 },
        { what: 'Admin writes per change', value: writes / changes.length, unit: 'calls', goal: 1.5 },
      ]
    } finally {
      catalog.close()
      await mesh.stop()
      await proxy.close()
    }
  },
}

/** Services of which Kong does not hold what Consul has. */
async function differing(mesh: Mesh, instances: readonly BulkInstance[]): Promise<number> {
  const expected = [...expectedTargets(instances)]
  const lists = await inParallel(expected, 8, ([service]) => mesh.targets(service))
  return expected.filter(([, wanted], at) => {
    const held = Object.fromEntries(lists[at]!.map(({ target, weight }) => [target, weight > 0]))
    return !isDeepStrictEqual(held, wanted)
  }).length
}

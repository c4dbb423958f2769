// What several calls at a time are worth where each takes its time: the first sync against a slow Admin API.
import { startAdminProxy } from '../support/admin-proxy.ts'
import { bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { Mesh } from '../support/mesh.ts'
import type { Part } from './figure.ts'

const SERVICES = 300
const INSTANCES = 1
const LATENCY_MS = 8

export const parallel: Part = {
  name: 'parallel',
  about: `first sync of ${SERVICES} services, ${LATENCY_MS} ms for each Admin call, eight at a time and one`,
  async run(log) {
    const eightMs = await firstSyncMs(8)
    log(`eight at a time: ${(eightMs / 1000).toFixed(1)} s`)
    const oneMs = await firstSyncMs(1)
    log(`one at a time: ${(oneMs / 1000).toFixed(1)} s`)
    return [
      {
        what: `first sync, kong.parallel 8`,
        value: eightMs / 1000,
        unit: 's',
        goal: oneMs / 4000,
        baseline: { what: 'kong.parallel 1', value: oneMs / 1000 },
        maxRatio: 0.6,
      },
    ]
  },
}

async function firstSyncMs(atOnce: number): Promise<number> {
  const mesh = await Mesh.start()
  const proxy = await startAdminProxy(mesh.adminUrl, { delayMs: LATENCY_MS })
  const catalog = bulkCatalog(mesh.consul.url)
  try {
    await catalog.registerAll(meshOf(SERVICES, INSTANCES, { nameOf: (n) => mesh.service(`s${n}`) }))
    await mesh.startOperator({ KONG_ADMIN_URL: proxy.url, KONGSUL_KONG_PARALLEL: `${atOnce}` })
    const writes = proxy.calls.filter(({ method }) => method !== 'GET').map(({ doneMs }) => doneMs)
    return Math.max(...writes) - Math.min(...writes)
  } finally {
    catalog.close()
    await mesh.stop()
    await proxy.close()
  }
}

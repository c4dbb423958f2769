// Consul is killed under traffic and comes back, with its data or empty; then a new service registers.
import { setTimeout as delay } from 'node:timers/promises'
import type { Mesh } from './mesh.ts'
import { type Shot, startTraffic } from './traffic.ts'
import { waitFor } from './wait-for.ts'

export interface Outage {
  /** Every request to the service that was there before, from before the kill to after the new service's first 200. */
  readonly shots: readonly Shot[]
  /**
   * From the new service being in Consul's catalog to its first 200, ms. Not from its registration: an agent whose
   * first synchronisation came before there was a leader may keep what it is told to itself for 15 to 30 s (Consul's
   * anti-entropy), and nobody else can know of it.
   */
  readonly seenAfterMs: number
}

export interface OutageOptions {
  /** How long Consul is away. */
  readonly downMs: number
  readonly perSecond: number
  /** Which of the outages of this mesh it is: services are named by it. */
  readonly nth?: number
}

/**
 * Needs an operator that runs and nothing else. Whether the data of Consul is kept is for the mesh's Consul to know.
 */
export async function consulOutage(
  mesh: Mesh,
  { downMs, perSecond, nth = 0 }: OutageOptions,
): Promise<Outage> {
  const steady = mesh.service(`steady${nth}`)
  await mesh.deploy(steady, 2)
  const spare = await mesh.startInstance(mesh.service(`spare${nth}`))
  const traffic = startTraffic({
    url: mesh.proxyUrl,
    headers: () => ({ host: `${steady}.mesh` }),
    perSecond,
  })
  try {
    await waitFor(() => traffic.shots.length >= perSecond / 2, { what: 'traffic' })
    await mesh.consul.kill()
    await delay(downMs) // the outage is as long as it is
    await mesh.consul.start()
    const fresh = mesh.service(`fresh${nth}`)
    await mesh.register({ id: fresh, name: fresh, port: spare.port })
    const isListed = async () =>
      ((await mesh.consul.request('GET', `/catalog/service/${fresh}`)) as []).length > 0
    await waitFor(isListed, { pollMs: 5, deadlineMs: 60_000, what: 'the new service in the catalog' })
    const begunAt = performance.now()
    const isServed = async () => (await mesh.get(fresh, '/')).status === 200
    await waitFor(isServed, { pollMs: 5, what: 'the new service through the proxy' })
    return { seenAfterMs: performance.now() - begunAt, shots: await traffic.stop() }
  } finally {
    await traffic.stop()
  }
}

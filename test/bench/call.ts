// What the mesh API costs: discover from its cache as a function (over sockets: discover.ts), and what
// call adds to the same request sent straight to the proxy.
import { request } from 'node:http'
import { DiscoveryCache } from '../../operator/api/discovery-cache.ts'
import { Caller } from '../../operator/call/caller.ts'
import type { OutcomeWaiters } from '../../operator/call/outcome-waiters.ts'
import { createProxyClient } from '../../operator/call/proxy-client.ts'
import type { Instance } from '../../operator/core/catalog.ts'
import { Mesh } from '../support/mesh.ts'
import { type Part, percentile } from './figure.ts'

const CALLS = 200_000
const SAMPLES = 500

export const api: Part = {
  name: 'api',
  about: 'discover from the cache, and what call adds to a request',
  async run(log) {
    const cache = new DiscoveryCache({
      watched: () => INSTANCES,
      isInDoubt: () => false,
      read: async () => INSTANCES,
      now: () => performance.now(),
      ttlMs: 3_600_000,
    })
    await cache.discover('web', true)
    const core = perSecond(CALLS, () => cache.cached('web')!.length)
    const { direct, through } = await calls(log)
    return [
      { what: 'discover from the cache, the function', value: core, unit: '/s', goal: 20_000 },
      {
        what: 'call up to the answer of the proxy, p50',
        value: percentile(through, 50),
        unit: 'ms',
        goal: percentile(direct, 50) + 1,
        baseline: { what: 'the same request straight to the proxy', value: percentile(direct, 50) },
        maxRatio: 4,
      },
    ]
  },
}

const INSTANCES: readonly Instance[] = Array.from({ length: 5 }, (_, at) => ({
  node: 'n1',
  id: `web-${at}`,
  address: `10.0.0.${at}`,
  port: 80,
  tags: ['blue'],
  meta: { zone: 'a' },
  weights: { passing: 1, warning: 1 },
  kind: '',
  checks: [],
}))

function perSecond(count: number, run: () => number): number {
  let chars = 0
  const startedAt = process.cpuUsage()
  for (let at = 0; at < count; at++) chars += run()
  const { user, system } = process.cpuUsage(startedAt)
  if (chars === 0) throw new Error('nothing was answered')
  return count / ((user + system) / 1e6)
}

/** One after the other, in turns, so that whatever else the machine does meets both. */
async function calls(log: (line: string) => void): Promise<{ direct: number[]; through: number[] }> {
  const mesh = await Mesh.start()
  const proxy = createProxyClient(mesh.proxyUrl)
  try {
    await mesh.startOperator()
    const service = mesh.service('called')
    await mesh.deploy(service, 1)
    const caller = new Caller({
      proxy,
      // `duration` is taken before the outcome is waited for.
      waiters: { begin: () => () => {}, wait: async () => null } as unknown as OutcomeWaiters,
      hostOf: () => `${service}.mesh`,
      instanceAt: () => null,
    })
    const [direct, through]: [number[], number[]] = [[], []]
    for (let at = 0; at < SAMPLES; at++) {
      let before = performance.now()
      await straight(mesh.proxyUrl, `${service}.mesh`)
      direct.push(performance.now() - before)
      before = performance.now()
      await caller.call({ service_name: service }, new AbortController().signal)
      through.push(performance.now() - before)
    }
    log(
      `straight ${percentile(direct, 50).toFixed(2)} ms, call ${percentile(through, 50).toFixed(2)} ms (p50)`,
    )
    return { direct, through }
  } finally {
    proxy.close()
    await mesh.stop()
  }
}

/** Over the connection that Node's own agent keeps. */
const straight = (url: string, host: string) =>
  new Promise<void>((resolve, reject) => {
    const call = request(url, { headers: { host } }, (answer) => answer.resume().on('end', resolve))
    call.on('error', reject)
    call.end()
  })

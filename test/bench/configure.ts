// From the request to POST /configure/load-balancer to what Kong's Admin API shows, through Consul's KV and its watch.
import { setTimeout as delay } from 'node:timers/promises'
import { Mesh } from '../support/mesh.ts'
import { type Part, percentile } from './figure.ts'

const SAMPLES = 40
const GIVE_UP_MS = 10_000

export const configure: Part = {
  name: 'configure',
  about: 'configure/* to KV to Kong',
  async run(log) {
    const mesh = await Mesh.start()
    try {
      await mesh.startOperator()
      const service = mesh.service('set')
      await mesh.deploy(service, 2)
      const took: number[] = []
      for (let at = 0; at < SAMPLES; at++) {
        const [strategy, algorithm] =
          at % 2 === 0 ? ['least_connections', 'least-connections'] : ['round_robin', 'round-robin']
        const startedMs = performance.now()
        const query = new URLSearchParams({ strategy: strategy!, service })
        const answer = await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/configure/load-balancer?${query}`, {
          method: 'POST',
        })
        if (!answer.ok) throw new Error(await answer.text())
        await answer.body?.cancel()
        while ((await mesh.admin('GET', `/upstreams/${service}.mesh`)).body.algorithm !== algorithm) {
          if (performance.now() - startedMs > GIVE_UP_MS) throw new Error(`Kong has no ${algorithm}`)
        }
        took.push(performance.now() - startedMs)
        await delay(50)
      }
      log(`p50 ${percentile(took, 50).toFixed(1)} ms, p95 ${percentile(took, 95).toFixed(1)} ms`)
      return [
        { what: 'configure to visible in Kong, p50', value: percentile(took, 50), unit: 'ms', goal: 100 },
        { what: 'configure to visible in Kong, p95', value: percentile(took, 95), unit: 'ms', goal: 100 },
      ]
    } finally {
      await mesh.stop()
    }
  },
}

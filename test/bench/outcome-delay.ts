// How long after the end of an answer the operator has the request's outcome: gateway, plugins and operator each a
// process of its own, and open-loop traffic.
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type AdminProxy, startAdminProxy } from '../support/admin-proxy.ts'
import { flowing, trafficTo } from '../support/grey-fault.ts'
import { startProcessMesh } from '../support/process-mesh.ts'
import { toldOutcomes } from '../support/told-outcomes.ts'
import type { Shot } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Figure, percentile } from './figure.ts'

const LASTS_MS = 10_000
const GOAL_MS = 20
/** As plugins/export collects outcomes. */
const BATCH_MS = 10
const BATCH_BYTES = 2_048

export async function outcomeDelay(log: (line: string) => void): Promise<readonly Figure[]> {
  const proxies: AdminProxy[] = []
  const toOperator = async (url: string) => {
    proxies.push(await startAdminProxy(url))
    return proxies[0]!.url
  }
  const processes = await startProcessMesh({ toOperator })
  const operator = proxies[0]!
  const bare = await startBare()
  try {
    const service = processes.mesh.service('outcomes')
    await processes.deploy(service, 3)
    const traffic = trafficTo(processes.mesh.proxyUrl, service)
    const beganMs = performance.now() - traffic.nowMs()
    await flowing(traffic)
    const sinceMs = traffic.nowMs()
    const posts: number[] = []
    while (traffic.nowMs() < sinceMs + LASTS_MS) posts.push(await bare.post())
    const isMeasured = ({ sentMs, requestId }: Shot) => sentMs >= sinceMs && requestId !== ''
    const shots = (await traffic.stop()).filter(isMeasured)
    const last = shots.at(-1)!
    await waitFor(() => toldOutcomes(operator).some(({ requestId }) => requestId === last.requestId), {
      what: 'the outcome of the last request',
    })
    const arrived = new Map(toldOutcomes(operator).map(({ requestId, atMs }) => [requestId, atMs]))
    const took = shots.flatMap(({ requestId, doneMs }) => {
      const atMs = arrived.get(requestId)
      return atMs === undefined ? [] : [atMs - beganMs - doneMs]
    })
    log(`${took.length} of ${shots.length}, slowest after ${percentile(took, 100).toFixed(1)} ms`)
    const figure = (percent: number): Figure => ({
      what: `end of the answer -> the operator has the outcome, p${percent}`,
      ...{ value: percentile(took, percent), unit: 'ms', goal: GOAL_MS },
      baseline: { what: `a timer of ${BATCH_MS} ms and a bare POST`, value: percentile(posts, percent) },
      // The slowest of a busy machine say more of the machine.
      ...(percent === 50 ? { maxRatio: 4 } : {}),
    })
    return [
      figure(50),
      figure(99),
      {
        what: `outcomes of ${shots.length} requests that the operator did not get`,
        ...{ value: shots.length - took.length, unit: '', goal: 0 },
      },
    ]
  } finally {
    await bare.close()
    await processes.stop()
    await operator.close()
  }
}

/** The least that a batch takes: its timer, and a POST over a kept connection to a server that does nothing. */
async function startBare() {
  const server = createServer((asked, answer) => asked.resume().on('end', () => answer.writeHead(204).end()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true })
  const body = Buffer.alloc(BATCH_BYTES)
  return {
    post: async () => {
      const beganMs = performance.now()
      await delay(BATCH_MS)
      const sent = request({ port, host: '127.0.0.1', method: 'POST', agent }).end(body)
      const [answer] = await once(sent, 'response')
      await once(answer.resume(), 'end')
      return performance.now() - beganMs
    },
    close: async () => {
      agent.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

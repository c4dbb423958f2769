// What became of each request reaches the operator, once: gateway, plugins and operator are processes of their own.
import { deepEqual, equal, match } from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, test } from 'node:test'
import { type AdminProxy, startAdminProxy } from '../support/admin-proxy.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { toldOutcomes } from '../support/told-outcomes.ts'
import { waitFor } from '../support/wait-for.ts'

let operator: AdminProxy
let processes: ProcessMesh
before(async () => {
  processes = await startProcessMesh({
    toOperator: async (url) => {
      operator = await startAdminProxy(url)
      return operator.url
    },
  })
})
after(async () => {
  await processes?.stop()
  await operator?.close()
})

const AT_ONCE = 16

interface Kind {
  readonly kind: string
  readonly count: number
  readonly service: string
  readonly query?: string
  /** The client gives up after so long. */
  readonly leavesMs?: number
}

test('every request is told to the operator once, whatever became of it', async () => {
  const { mesh } = processes
  const service = mesh.service('told')
  const refusing = mesh.service('refusing')
  await processes.deploy(service, 2, { circuitBreaker: { mode: 'metrics_only' } })
  await processes.deploy(refusing, 1)
  await mesh.setKv(`mesh/services/${refusing}`, { circuitBreaker: { mode: 'forced_open' } })
  await waitFor(async () => (await mesh.get(refusing, '/')).status === 503, { what: 'a refusal' })

  const kinds: readonly Kind[] = [
    { kind: 'answered', count: 400, service },
    { kind: 'missing', count: 40, service, query: 'status=404' },
    { kind: 'failing', count: 80, service, query: 'status=503' },
    { kind: 'left', count: 20, service, query: 'delay=5000', leavesMs: 100 },
    { kind: 'refused', count: 40, service: refusing },
    { kind: 'no-route', count: 40, service: 'nobody' },
  ]
  // A path names its request.
  const due = kinds.flatMap((kind) =>
    Array.from({ length: kind.count }, (_, at) => ({ ...kind, path: `/${kind.kind}/${at}` })),
  )
  const sent = due.map(({ path }) => path)
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let next = due.shift(); next !== undefined; next = due.shift())
        await send(`${mesh.proxyUrl}${next.path}?${next.query ?? ''}`, next)
    }),
  )

  const told = () => toldOutcomes(operator).filter(({ path }) => sent.includes(path))
  await waitFor(() => told().length >= sent.length, { what: `${sent.length} outcomes at the operator` })
  deepEqual(
    told()
      .map(({ path }) => path)
      .sort(),
    [...sent].sort(),
  )
  const ids = toldOutcomes(operator).map(({ requestId }) => requestId)
  equal(new Set(ids).size, ids.length)

  const dropped = /^mesh_outcomes_dropped_total\{.*\} (?!0$).*$/m
  equal(dropped.exec(await processes.plugins.metrics()), null)
  const metrics = await (await fetch(`${mesh.apiUrl}/metrics`)).text()
  match(metrics, /^mesh_outcomes_received_total\{result="dropped"\} 0$/m)
})

/** One request, to its end. */
const send = (url: string, { service, leavesMs }: Kind) =>
  new Promise<void>((resolve, reject) => {
    const call = request(url, { headers: { host: `${service}.mesh` } }, (answer) =>
      answer.resume().on('end', resolve),
    )
    call.on('error', (error) => (leavesMs === undefined ? reject(error) : resolve()))
    if (leavesMs !== undefined) setTimeout(() => call.destroy(), leavesMs)
    call.end()
  })

// Numbers, alerts, silences and the outcome stream of a running operator: outcomes are told as plugin processes do.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { parseMetrics, sumOf } from '../support/metrics.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests read any field
type Answer = any

let stack: Stack
let alertmanager: Server
/** What was posted to it, newest last. */
const posted: Answer[] = []
const serviceIds = new Map<string, string>()

before(async () => {
  alertmanager = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      posted.push({ url: request.url, token: request.headers.authorization, alerts: JSON.parse(body) })
      response.end()
    })
  })
  await new Promise<void>((done) => alertmanager.listen(0, '127.0.0.1', done))
  const { port } = alertmanager.address() as AddressInfo
  stack = await startStack()
  await stack.consul.setKey('mesh/alerts', '{"errorRate": {"forSeconds": 0, "minimumRequests": 5}}')
  await stack.startOperator({ alerts: { webhooks: [`http://127.0.0.1:${port}`], token: 'only-for-tests' } })
  await register('web', 1)
  await register('api', 2)
  await waitFor(async () => Object.keys(await stack.weights('api')).length === 1)
  await stack.settled()
  for (const service of ['web', 'api']) {
    serviceIds.set(service, (await stack.admin('GET', `/services/mesh.${service}`)).body.id)
  }
})
after(async () => {
  await stack.stop()
  alertmanager.closeAllConnections()
  alertmanager.close()
})

const register = (service: string, at: number) =>
  stack.consul.register({
    Name: service,
    ID: `${service}-${at}`,
    Address: '127.0.0.1',
    Port: 9800 + at,
    Check: { TTL: '600s', Status: 'passing' },
  })

async function call(method: string, path: string, body?: unknown) {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2${path}`, {
    method,
    ...(body === undefined ? {} : json),
  })
  return { status: answer.status, body: (await answer.json()) as Answer }
}
const get = async (path: string): Promise<Answer> => (await call('GET', path)).body

interface Told {
  readonly service: string
  readonly port: number
  readonly status?: number
  readonly ms?: number
  readonly spanId?: string
  readonly parentSpanId?: string
}

async function tell(outcomes: readonly Told[]) {
  const lines = outcomes.map(({ service, port, status = 200, ms = 10, spanId = null, parentSpanId = null }) =>
    JSON.stringify({
      ...{ serviceId: serviceIds.get(service), status, durationMs: ms, spanId, parentSpanId },
      ...{ requestId: 'r', traceId: 'a'.repeat(32), startedAtMs: Date.now(), method: 'GET', path: '/buy' },
      ...{ host: `${service}.mesh`, source: 'upstream', grpcStatus: null },
      tries: [{ instance: `127.0.0.1:${port}`, status, ms }],
    }),
  )
  const answer = await fetch(`${stack.operator().url}/internal/outcomes`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines.join('\n'),
  })
  equal(answer.status, 204)
}
const many = (count: number, told: Told): Told[] => Array.from({ length: count }, () => told)
async function keyOf(key: string): Promise<string | null> {
  const answer = await fetch(`${stack.consul.url}/v1/kv/${key}?raw`)
  return answer.ok ? await answer.text() : null
}
const alertOf = async (id: string) => (await get('/alerts')).alerts.find((alert: Answer) => alert.id === id)

test('the dashboard has the numbers of every request, of each service, and who calls whom', async () => {
  await tell([
    { service: 'api', port: 9802, ms: 30, spanId: 's2', parentSpanId: 's1' },
    { service: 'web', port: 9801, ms: 50, spanId: 's1' },
  ])
  const dashboard = await get('/dashboard')
  deepEqual(Object.keys(dashboard).sort(), [
    'alerts',
    'mesh_metrics',
    'metrics_history',
    'recent_traces',
    'service_graph',
    'services',
    'timestamp',
  ])
  const { mesh_metrics: mesh, services, service_graph: graph } = dashboard
  deepEqual([mesh.total_services, mesh.total_instances, mesh.healthy_instances], [2, 2, 2])
  deepEqual([mesh.total_requests, mesh.failed_requests, mesh.success_rate], [2, 0, 100])
  equal(mesh.avg_latency, 40)
  ok(Math.abs(services.web.p95_latency - 50) < 1)
  deepEqual([services.web.instance_count, services.web.health_percentage], [1, 100])
  deepEqual(
    graph.edges.map(({ source, target, calls }: Answer) => [source, target, calls]),
    [['web', 'api', 1]],
  )
  deepEqual(
    graph.nodes.map(({ id, status }: Answer) => [id, status]),
    [
      ['api', 'healthy'],
      ['web', 'healthy'],
    ],
  )
  deepEqual((await get('/topology')).dependencies, { web: ['api'] })
  await waitFor(async () => (await get('/dashboard?history=5')).metrics_history.length > 0)
  const own = await get('/services/api/metrics')
  deepEqual(
    own.instances.map(({ id, error_rate }: Answer) => [id, error_rate]),
    [['api-2', 0]],
  )
  equal((await call('GET', '/services/none/metrics')).status, 404)
})

test('Prometheus gets durations and failures of services, instances and edges', async () => {
  const read = async () => parseMetrics(await (await fetch(`${stack.operator().url}/metrics`)).text())
  const samples = await read()
  equal(sumOf(samples, 'mesh_request_duration_seconds_bucket', { service: 'web', le: '0.05' }), 1)
  equal(sumOf(samples, 'mesh_request_duration_seconds_bucket', { service: 'web', le: '0.025' }), 0)
  equal(sumOf(samples, 'mesh_request_duration_seconds_count', { service: 'web' }), 1)
  equal(sumOf(samples, 'mesh_request_failures_total', { service: 'web' }), 0)
  equal(sumOf(samples, 'mesh_instance_request_duration_seconds_count', { instance: '127.0.0.1:9802' }), 1)
  equal(sumOf(samples, 'mesh_edge_request_duration_seconds_count', { caller: 'web', service: 'api' }), 1)
  equal(sumOf(samples, 'mesh_service_instances', { service: 'web', health: 'healthy' }), 1)
  equal(sumOf(samples, 'mesh_health_score'), 1)
})

test('requests are seen as they end, those that are asked for alone', async () => {
  const leaving = new AbortController()
  const url = `${stack.operator().url}/api/v1/mesh/v2/outcomes?service=web&status=5xx&instance=web-1`
  const answer = await fetch(url, { signal: leaving.signal })
  equal(answer.headers.get('content-type'), 'text/event-stream')
  let text = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body!) text += decoder.decode(chunk as Uint8Array)
  })().catch(() => {}) // ended by us
  await tell([
    { service: 'web', port: 9801 },
    { service: 'api', port: 9802, status: 503 },
    { service: 'web', port: 9801, status: 503, ms: 7 },
  ])
  await waitFor(() => text.includes('event: outcome'))
  const events = [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!))
  equal(events.length, 1)
  const { service_name, instance_id, status, path, duration } = events[0]
  deepEqual([service_name, instance_id, status, path, duration], ['web', 'web-1', 503, '/buy', 7])
  leaving.abort()
  await reading
})

test('what fails too often is an alert here, at Alertmanager and in the events, and ends', async () => {
  const leaving = new AbortController()
  const events = await fetch(`${stack.operator().url}/api/v1/mesh/v2/events`, { signal: leaving.signal })
  let text = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of events.body!) text += decoder.decode(chunk as Uint8Array)
  })().catch(() => {}) // ended by us
  await tell(many(20, { service: 'api', port: 9802, status: 500 }))
  const alert = await waitFor(() => alertOf('MeshErrorRateHigh/api'))
  deepEqual([alert.state, alert.severity, alert.service_name], ['firing', 'critical', 'api'])
  ok((await get('/dashboard')).alerts.some(({ id }: Answer) => id === 'MeshErrorRateHigh/api'))
  const isPosted = ({ labels }: Answer) =>
    labels.alertname === 'MeshErrorRateHigh' && labels.service === 'api'
  const last = await waitFor(() => posted.find(({ alerts }) => alerts.some(isPosted)))
  deepEqual([last.url, last.token], ['/api/v2/alerts', 'Bearer only-for-tests'])
  ok(Date.parse(last.alerts.find(isPosted).endsAt) > Date.now())
  ok(text.includes('"code":"MeshErrorRateHigh"') && text.includes('"what":"raised"'))

  await stack.consul.setKey('mesh/alerts', '{"errorRate": false, "resolvedSeconds": 60}')
  await waitFor(async () => (await alertOf('MeshErrorRateHigh/api'))?.state === 'resolved')
  await waitFor(() =>
    posted.some(({ alerts }) =>
      alerts.some((each: Answer) => isPosted(each) && Date.parse(each.endsAt) <= Date.now()),
    ),
  )
  ok(text.includes('"what":"cleared"'))
  leaving.abort()
  await reading
})

test('thresholds that do not validate are told in KV, and the last good ones stay', async () => {
  await stack.consul.setKey('mesh/alerts', '{"errorRate": {"warning": 900}}')
  const status = await waitFor(() => keyOf('mesh/status/alerts/thresholds'))
  const { errors, lastGood } = JSON.parse(status)
  ok(errors[0].startsWith('errorRate'), errors[0])
  deepEqual(JSON.parse(lastGood), { errorRate: false, resolvedSeconds: 60 })
  await stack.consul.setKey('mesh/alerts', '{}')
  await waitFor(async () => (await keyOf('mesh/status/alerts/thresholds')) === null)
})

test('a silenced alert is listed as such and not posted, until the silence ends', async () => {
  const made = await call('POST', '/silences', { service: 'web', for: '1h', reason: 'moving it', by: 'ada' })
  equal(made.status, 200)
  const { id } = made.body
  deepEqual((await get('/silences')).silences, [made.body])
  const before = posted.length
  await stack.consul.setCheck('service:web-1', 'fail')
  const alert = await waitFor(() => alertOf('MeshServiceDown/web'))
  deepEqual(alert.silenced_by, [id])
  const isOfWeb = ({ labels }: Answer) => labels.service === 'web'
  ok(!posted.slice(before).some(({ alerts }) => alerts.some(isOfWeb)))
  equal((await call('DELETE', `/silences/${id}`)).status, 200)
  equal((await call('DELETE', `/silences/${id}`)).status, 404)
  await waitFor(() => posted.slice(before).some(({ alerts }) => alerts.some(isOfWeb)))
  equal((await call('POST', '/silences', { for: '1h' })).status, 422)
  equal((await call('POST', '/silences', { service: 'web' })).status, 422)
  equal((await call('POST', '/silences', { service: 'web', for: '31d' })).status, 422)
})

test('another operator knows the silences, and thresholds', async () => {
  await call('POST', '/silences', { alert: 'MeshLatencyHigh', for: '1h' })
  const first = stack.operator()
  const second = await stack.startOperator({ operator: { id: 'second', advertise: undefined } })
  try {
    const url = `${second.url}/api/v1/mesh/v2/silences`
    await waitFor(async () => ((await (await fetch(url)).json()) as Answer).total === 1)
  } finally {
    await first.stop()
  }
})

test('series of a service that is gone are removed', async () => {
  await tell([{ service: 'api', port: 9802 }])
  const text = async () => await (await fetch(`${stack.operator().url}/metrics`)).text()
  ok(/service="api"/.test(await text()))
  await stack.consul.deregister('api-2')
  await waitFor(async () => !/service="api"/.test(await text()))
})

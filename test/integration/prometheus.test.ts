// A real Prometheus scrapes the running mesh; each alert fires when its fault is made, and stops when it is mended. The
// rules are those of the mesh, with seconds for minutes.
import { deepEqual, ok } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { freePorts } from '../support/free-port.ts'
import type { InstanceProcess } from '../support/instance.ts'
import { FEED_TOKEN } from '../support/plugin-server.ts'
import { type ProcessMesh, startProcessMesh } from '../support/process-mesh.ts'
import { quickRules, startPrometheus, type TestPrometheus } from '../support/prometheus.ts'
import { dashboardExpressions, metricNames, rulesOfTheMesh } from '../support/promql.ts'
import { startSwitch } from '../support/switch.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: ProcessMesh
let prometheus: TestPrometheus
/** Collector, Alertmanager and second operator in one: takes everything, or refuses it. */
let receiver: Server
let receiverAnswers = 200
let pluginsPort: number
const instances = new Map<string, InstanceProcess[]>()
const asking = new AbortController()

const OPERATOR = { KONGSUL_RESYNC_CRON: '*/2 * * * * *', KONGSUL_KONG_TIMEOUT_MS: '1000' }
let operatorEnv: Record<string, string>

before(async () => {
  receiver = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(receiverAnswers).end('{}'))
  })
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done))
  const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
  pluginsPort = (await freePorts(1))[0]!
  operatorEnv = { ...OPERATOR, KONGSUL_FEED_TOKEN: FEED_TOKEN, KONGSUL_ALERTS_WEBHOOK: receiverUrl }
  stack = await startProcessMesh({
    needsOwnGateway: true, // it is put to sleep
    pluginsEnv: { OTEL_EXPORTER_OTLP_ENDPOINT: receiverUrl },
    moreOperators: [receiverUrl],
    pluginsArgs: ['--plugins-port', String(pluginsPort)],
    operatorEnv,
    meshOptions: { config: { telemetry: { prometheus_retention_time: '1m' } } },
  })
  const breaker = { circuitBreaker: { openSeconds: 1 } }
  instances.set('web', await stack.deploy('web', 1, { circuitBreaker: { mode: 'metrics_only' } }))
  instances.set('shop', await stack.deploy('shop', 2, breaker))
  instances.set('db', await stack.deploy('db', 4))
  await bulkOfOneNode('register')
  await waitFor(async () => (await stack.mesh.targets('bulk')).length === 3, { what: 'bulk in Kong' })
  const { consul, apiUrl, adminUrl } = stack.mesh
  const at = (url: string) => new URL(url).host
  prometheus = await startPrometheus({
    config: configFor({
      'operator:8080': at(apiUrl),
      'kong:8082': `127.0.0.1:${pluginsPort}`,
      'kong:8001': at(adminUrl),
      'consul:8500': at(consul.url),
    }),
    rules: quickRules(),
  })
})
after(async () => {
  asking.abort()
  if (stack !== undefined) process.kill(stack.mesh.gatewayPid, 'SIGCONT')
  await prometheus?.stop()
  await stack?.stop()
  receiver?.closeAllConnections()
  receiver?.close()
})

/** prometheus.yml of the compose file, with the addresses of this mesh and short intervals. */
function configFor(addresses: Readonly<Record<string, string>>): string {
  const path = join(import.meta.dirname, '..', '..', 'kong', 'prometheus', 'prometheus.yml')
  const text = readFileSync(path, 'utf8')
    .replaceAll('_interval: 10s', '_interval: 500ms')
    .replace('evaluation_interval: 500ms', 'evaluation_interval: 500ms\n  scrape_timeout: 500ms')
    .replace('/etc/prometheus/', '')
    // There is one operator here.
    .replace(', "operator-2:8080"', '')
  return Object.entries(addresses).reduce((all, [name, address]) => {
    ok(all.includes(`"${name}"`), `prometheus.yml names ${name}`)
    return all.replace(`"${name}"`, `"${address}"`)
  }, text)
}

/** Three instances that come and vanish together. */
async function bulkOfOneNode(action: 'register' | 'deregister') {
  const { consul } = stack.mesh
  if (action === 'deregister') {
    await consul.request('PUT', '/catalog/deregister', { Node: 'elsewhere' })
    return
  }
  for (const at of [1, 2, 3]) {
    const service = { ID: `bulk-${at}`, Service: 'bulk', Address: '127.0.0.1', Port: 9 + at }
    await consul.request('PUT', '/catalog/register', {
      Node: 'elsewhere',
      Address: '127.0.0.1',
      Service: service,
    })
  }
}

const fires = (...names: string[]) =>
  waitFor(
    async () => {
      const firing = await prometheus.firing()
      for (const name of firing) seen.add(name)
      const missing = names.filter((name) => !seen.has(name))
      return missing.length === 0 || Promise.reject(new Error(`missing: ${missing.join(', ')}`))
    },
    { deadlineMs: 40_000, pollMs: 200, what: 'all of these firing' },
  )
const ends = (...names: string[]) =>
  waitFor(
    async () => {
      const firing = await prometheus.firing()
      const left = names.filter((name) => firing.has(name))
      return left.length === 0 || Promise.reject(new Error(`still firing: ${left.join(', ')}`))
    },
    { deadlineMs: 40_000, pollMs: 200, what: 'all of these having ended' },
  )
const seen = new Set<string>()

async function api(method: string, path: string, body?: unknown) {
  const answer = await fetch(`${stack.mesh.apiUrl}/api/v1/mesh/v2${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  ok(answer.ok, `${method} ${path}: ${answer.status}`)
  return answer
}

/** Requests one after the other, until the end of the fault. */
function keepAsking(service: string, path: string, signal: AbortSignal): Promise<void> {
  return (async () => {
    while (!signal.aborted && !asking.signal.aborted) await stack.mesh.get(service, path).catch(() => {})
  })()
}

test('every target is scraped, and every metric of rules and dashboards is there', async () => {
  await waitFor(
    async () => {
      const targets = await prometheus.targets()
      const down = [...targets].filter(([, health]) => health !== 'up')
      return targets.size === 4 && (down.length === 0 || Promise.reject(new Error(JSON.stringify(down))))
    },
    { what: 'every target being up' },
  )
  const urls = [
    `${stack.mesh.apiUrl}/metrics`,
    `http://127.0.0.1:${pluginsPort}/metrics`,
    `${stack.mesh.adminUrl}/metrics`,
  ]
  const texts = await Promise.all(urls.map(async (url) => (await fetch(url)).text()))
  const there = new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/^# TYPE (\w+) (\w+)/gm)].flatMap(([, name, type]) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name!],
      ),
    ),
  )
  const recorded = new Set(rulesOfTheMesh().flatMap(({ record }) => record ?? []))
  const used = [...rulesOfTheMesh().map(({ expr }) => expr), ...[...dashboardExpressions().values()].flat()]
  const missing = used
    .flatMap(metricNames)
    .filter((name) => !['up', 'ALERTS'].includes(name) && !there.has(name) && !recorded.has(name))
  deepEqual([...new Set(missing)], [])
})

test('faults of services, of settings and of what listens fire their alerts, which end with them', async () => {
  const { mesh } = stack
  const fault = new AbortController()
  const [bad] = instances.get('shop')!
  await bad!.behave({ status: 500 })
  for (const instance of instances.get('db')!) await instance.setHealth(503)
  receiverAnswers = 400
  const requests = [
    ...[1, 2, 3].map(() => keepAsking('web', '/?status=500&delay=1100', fault.signal)),
    keepAsking('shop', '/', fault.signal),
  ]
  await bulkOfOneNode('deregister')
  await api('PUT', '/circuits/db', { mode: 'forced_open' })
  await api('PUT', '/services/shop/pause', { for: '1h', reason: 'test' })
  await mesh.setKv('mesh/services/nobody', '{"timeoutz": {}}')
  const { body: service } = await mesh.admin('GET', '/services/mesh.web')
  await mesh.admin('PATCH', '/services/mesh.web', { read_timeout: 12_345 })
  const pem = (name: string) => readFileSync(join(import.meta.dirname, '..', 'fixtures', 'tls', name), 'utf8')
  const { body: certificate } = await mesh.admin('POST', '/certificates', {
    cert: pem('shop.pem'),
    key: pem('shop.key'),
  })
  await fires(
    'MeshErrorRateHigh',
    'MeshLatencyHigh',
    'MeshServiceDown',
    'MeshInstanceUnhealthy',
    'MeshHealthScoreLow',
    'MeshCircuitOpen',
    'MeshInstanceEjected',
    'MeshHeld',
    'MeshPaused',
    'MeshSettingsRefused',
    'MeshOverrideOld',
    'MeshCertificateExpiring',
    'MeshSpansDropped',
    'MeshOutcomesDropped',
    'MeshAlertsNotSent',
  )
  fault.abort()
  await Promise.all(requests)
  await bad!.behave({ status: 200 })
  for (const instance of instances.get('db')!) await instance.setHealth(200)
  receiverAnswers = 200
  await bulkOfOneNode('register')
  await api('PUT', '/circuits/db', { mode: 'auto' })
  await api('PUT', '/services/shop/resume')
  await mesh.setKv('mesh/services/nobody', '{}')
  await api('DELETE', `/overrides/${service.id}`)
  await mesh.admin('DELETE', `/certificates/${certificate.id}`)
  const mending = new AbortController()
  // The breaker lets an instance back in when it answers well.
  const trials = keepAsking('shop', '/', mending.signal)
  await ends(...seen)
  mending.abort()
  await trials
})

test('a Kong that stands still, and plugins that are gone, fire their alerts, which end with them', async () => {
  process.kill(stack.mesh.gatewayPid, 'SIGSTOP')
  await stack.plugins.kill()
  await stack.mesh.deregister('db-4')
  await fires('MeshKongDown', 'MeshReconcileErrors', 'MeshPluginsDown')
  process.kill(stack.mesh.gatewayPid, 'SIGCONT')
  await stack.startPlugins()
  await ends(...seen)
})

test('an operator that is gone, and one that neither leads nor reaches Kong, fire their alerts, which end with them', async () => {
  await stack.mesh.operator.stop()
  await fires('MeshOperatorDown')
  let target = stack.mesh.adminUrl
  const onTheWay = await startSwitch(() => target)
  try {
    await stack.mesh.startOperator({ ...operatorEnv, KONGSUL_DRY_RUN: 'true', KONG_ADMIN_URL: onTheWay.url })
    await onTheWay.cut(() => {
      target = 'http://127.0.0.1:1'
    })
    await fires('MeshNoLeader', 'MeshKongUnreachable')
    await stack.mesh.operator.stop()
  } finally {
    await onTheWay.close()
  }
  await stack.mesh.startOperator(operatorEnv)
  await ends(...seen)
})

test('Consul that is gone fires its alert, and every alert has been seen', async () => {
  await stack.mesh.consul.kill()
  await fires('MeshConsulUnreachable')
  await stack.mesh.consul.start()
  await ends('MeshConsulUnreachable')
  const alerts = new Set(rulesOfTheMesh().flatMap(({ alert }) => alert ?? []))
  deepEqual(
    [...alerts].filter((name) => !seen.has(name)),
    [],
  )
})

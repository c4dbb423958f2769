// From a request through the gateway to a verdict in Kong: plugins in their own process, outcomes over UDP, real Consul.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { sendRaw } from '../support/raw-http.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

let mesh: PluginMesh
const servers: EchoServer[] = []
before(async () => {
  mesh = await startPluginMesh()
})
after(async () => {
  await mesh.stop()
  await Promise.all(servers.map((server) => server.close()))
})

async function echoes(count: number): Promise<EchoServer[]> {
  const started = await Promise.all(Array.from({ length: count }, () => startEchoServer()))
  servers.push(...started)
  return started
}
const entry = (fields: object) => mesh.consul.request('PUT', '/config', fields)
const isOut = async (upstream: string, { port }: EchoServer) => {
  const { body } = await mesh.admin('GET', `/upstreams/${upstream}/health`)
  const rows = (body.data ?? []) as { target: string; health?: string }[]
  return rows.find(({ target }) => target === `127.0.0.1:${port}`)?.health === 'UNHEALTHY'
}
async function circuitsOf(service: string) {
  const answer = await fetch(`${mesh.operator().url}/api/v1/mesh/v2/circuits`)
  const { circuits } = (await answer.json()) as {
    circuits: {
      kind: string
      service: string
      target: string | null
      state: string
      reason: string
      mode: string
    }[]
  }
  return circuits.filter((each) => each.service === service)
}

test('an instance that answers 500 is ejected, tried again, and back when it is mended', async () => {
  const [bad, ...good] = (await echoes(3)) as [EchoServer, EchoServer, EchoServer]
  const ports = [bad, ...good].map(({ port }) => port)
  await mesh.deploy('grey', ports, { circuitBreaker: { openSeconds: 1, backoff: { jitter: 0 } } })
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/grey/`, perSecond: 40 })
  await waitFor(() => traffic.shots.length > 20, { what: 'traffic' })
  bad.behave({ status: 500 })
  await waitFor(async () => (await mesh.healthOf('grey', bad.port)) === 'UNHEALTHY', { what: 'the ejection' })
  const outMs = traffic.nowMs()
  await waitFor(async () => {
    const rows = await circuitsOf('grey')
    return rows.some(({ target, state }) => target === `127.0.0.1:${bad.port}` && state === 'ejected')
  })
  bad.behave({})
  await waitFor(async () => (await mesh.healthOf('grey', bad.port)) === 'HEALTHY', { what: 'the return' })
  const seen = bad.seen.length
  await waitFor(() => bad.seen.length > seen + 50, { what: 'its share of the requests' })
  const failed = (await traffic.stop()).filter(({ status }) => status !== 200)
  ok(failed.length >= 5)
  // How many went out before depends on how busy this process is, which is gateway, operator and client at once.
  deepEqual(describeFailures(failed.filter(({ sentMs }) => sentMs > outMs)), [])
})

test('an ejected instance whose mark is lost, as when Kong restarts, is marked again; one let go in KV is not', async () => {
  const [bad, ...good] = (await echoes(3)) as [EchoServer, EchoServer, EchoServer]
  await mesh.deploy(
    'lost',
    [bad, ...good].map(({ port }) => port),
  )
  bad.behave({ status: 500 })
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/lost/`, perSecond: 40 })
  const healthIs = (health: string, what: string) =>
    waitFor(async () => (await mesh.healthOf('lost', bad.port)) === health, { what })
  await healthIs('UNHEALTHY', 'the ejection')
  const target = `127.0.0.1:${bad.port}`
  const outMs = traffic.nowMs()
  await waitFor(() => traffic.nowMs() > outMs + 1_000, { what: 'the end of what was under way' })
  const key = `/kv/mesh/ejections/lost.mesh/${target}`
  const record = async () => {
    const rows = (await mesh.consul.request('GET', key)) as { ModifyIndex: number }[]
    return rows[0]!.ModifyIndex
  }
  const before = await record()
  await mesh.admin('PUT', `/upstreams/lost.mesh/targets/${target}/healthy`)
  await healthIs('UNHEALTHY', 'the mark being made again')
  await waitFor(async () => (await record()) > before, { what: 'its record being written again' })
  await mesh.consul.request('DELETE', key)
  await healthIs('HEALTHY', 'the return after its record was deleted')
  const seen = bad.seen.length
  await waitFor(() => bad.seen.length > seen + 20, { what: 'its share of the requests' })
  await traffic.stop()
})

test('the only instance of a leg of a splitter goes out when it fails, and an alert says so', async () => {
  const [lone, ...good] = (await echoes(3)) as [EchoServer, EchoServer, EchoServer]
  const usual = good.map(({ port }) => port)
  await mesh.deploy('usual', usual)
  await mesh.deploy('lone', [lone.port])
  for (const Name of ['usual', 'lone', 'shop'])
    await entry({ Kind: 'service-defaults', Name, Protocol: 'http' })
  const half = (Service: string) => ({ Weight: 50, Service })
  await entry({ Kind: 'service-splitter', Name: 'shop', Splits: [half('usual'), half('lone')] })
  await waitFor(async () => (await mesh.get('shop')).status === 200, { what: 'the splitter being routed' })
  lone.behave({ status: 500 })
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/shop/`, perSecond: 40 })
  await waitFor(() => isOut('_split.shop.mesh', lone), { what: 'the leg being out' })
  const outMs = traffic.nowMs()
  equal(await isOut('lone.mesh', lone), false, 'who asks for it alone has nobody else')
  await waitFor(async () => {
    const { alerts } = (await (await fetch(`${mesh.operator().url}/api/v1/mesh/v2/alerts`)).json()) as {
      alerts: { name: string; service_name: string | null; state: string }[]
    }
    return alerts.some((each) => each.name === 'MeshCircuitOpen' && each.service_name === 'lone')
  })
  await waitFor(() => traffic.nowMs() > outMs + 500, { what: 'requests to the other leg' })
  const later = (await traffic.stop()).filter(({ sentMs }) => sentMs > outMs)
  deepEqual(describeFailures(later), [])
  const rows = await circuitsOf('shop')
  deepEqual(
    rows.filter(({ target, state }) => target !== null && state !== 'closed').map(({ target }) => target),
    [`127.0.0.1:${lone.port}`],
  )
  ok(rows.some(({ kind, state }) => kind === 'service' && state === 'closed'))
})

test('what is ejected goes from the upstreams that only routes of a service-router lead to as well', async () => {
  const [one, ...canaries] = (await echoes(3)) as [EchoServer, EchoServer, EchoServer]
  await mesh.deploy('routed', [one.port, ...canaries.map(({ port }) => port)])
  await entry({ Kind: 'service-defaults', Name: 'routed', Protocol: 'http' })
  const ids = canaries.map(({ port }) => `Service.ID == "routed-${port}"`)
  const Subsets = { canary: { Filter: ids.join(' or ') }, last: { Filter: ids[0] } }
  await entry({ Kind: 'service-resolver', Name: 'routed', Subsets })
  const route = (subset: string) => ({
    Match: { HTTP: { PathPrefix: `/${subset}` } },
    Destination: { ServiceSubset: subset },
  })
  await entry({ Kind: 'service-router', Name: 'routed', Routes: [route('canary'), route('last')] })
  await waitFor(async () => (await mesh.admin('GET', '/upstreams/last.routed.mesh')).status === 200)
  await mesh.settled()
  const bad = canaries[0]!
  bad.behave({ status: 500 })
  await waitFor(async () => {
    await mesh.get('routed')
    return await isOut('routed.mesh', bad)
  })
  await waitFor(() => isOut('canary.routed.mesh', bad), { what: 'the mark where no request was' })
  equal(await isOut('last.routed.mesh', bad), false, 'the last one that can answer stays')
  for (let i = 0; i < 20; i++) equal((await mesh.get('routed', { path: '/canary' })).status, 200)
  bad.behave({})
})

test('a service that fails as a whole is refused with Retry-After, and closes after good trials', async () => {
  const [only] = (await echoes(1)) as [EchoServer]
  const circuitBreaker = { openSeconds: 1, minimumCalls: 5, failureRate: 50, ejection: { maxPercent: 0 } }
  await mesh.deploy('whole', [only.port], { circuitBreaker })
  only.behave({ status: 502 })
  const refused = await waitFor(async () => {
    const answer = await mesh.get('whole')
    return answer.status === 503 ? answer : null
  })
  const body = JSON.parse(refused.body)
  deepEqual([body.code, body.service, body.state], ['CIRCUIT_OPEN', 'whole', 'open'])
  match(body.trace_id, /^[0-9a-f]{32}$/)
  equal(refused.headers.get('retry-after'), String(body.retry_after))
  equal(refused.headers.get('cache-control'), 'no-store')
  match(refused.headers.get('content-type')!, /application\/json/)
  const asked = only.seen.length
  equal((await mesh.get('whole')).status, 503)
  equal(only.seen.length, asked, 'a refused request asks no instance')
  await waitFor(async () => (await circuitsOf('whole')).some(({ state }) => state === 'open'))
  only.behave({})
  await waitFor(async () => {
    await mesh.get('whole')
    return (await circuitsOf('whole')).some(({ kind, state }) => kind === 'service' && state === 'closed')
  })
  equal((await mesh.get('whole')).status, 200)
})

test('a refused HEAD has the headers of a refused GET, and no body', async () => {
  const [only] = (await echoes(1)) as [EchoServer]
  await mesh.deploy('headed', [only.port], { circuitBreaker: { mode: 'forced_open' } })
  const { port } = new URL(mesh.proxyUrl)
  const refused = async (method: string) => {
    const request = `${method} /headed/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
    const [head = '', body = ''] = (await sendRaw(Number(port), request)).split('\r\n\r\n')
    // What differs from one answer to the next whatever the method is.
    const lines = head.split('\r\n').filter((line) => !/^(?:date|x-kong-\S+-(?:id|latency)):/i.test(line))
    return { lines, body }
  }
  const get = await waitFor(async () => {
    const answer = await refused('GET')
    return answer.lines[0]?.includes(' 503 ') ? answer : null
  })
  equal(JSON.parse(get.body).code, 'CIRCUIT_OPEN')
  const asked = only.seen.length
  deepEqual(await refused('HEAD'), { ...get, body: '' })
  ok(get.lines.some((line) => line === `Content-Length: ${get.body.length}`))
  ok(get.lines.some((line) => /^Retry-After: [1-9]\d*$/.test(line)))
  equal(only.seen.length, asked)
})

test('a person opens a circuit through the Admin API for the next request, and closes it again', async () => {
  const [only] = (await echoes(1)) as [EchoServer]
  await mesh.deploy('byhand', [only.port])
  equal((await mesh.get('byhand')).status, 200)
  const { body } = await mesh.admin('GET', '/services/mesh.byhand/plugins')
  const plugin = body.data.find(({ name }: { name: string }) => name === 'mesh-circuit-breaker')
  await mesh.admin('PATCH', `/plugins/${plugin.id}`, { config: { mode: 'forced_open' } })
  const refused = await waitFor(async () => {
    const answer = await mesh.get('byhand')
    return answer.status === 503 ? answer : null
  })
  equal(JSON.parse(refused.body).state, 'forced_open')
  await mesh.admin('PATCH', `/plugins/${plugin.id}`, { config: { mode: 'auto' } })
  await waitFor(async () => (await mesh.get('byhand')).status === 200)
})

test('the API opens a circuit for all Kongs, and the refusal is as the settings say', async () => {
  const [only] = (await echoes(1)) as [EchoServer]
  const refusal = {
    status: 429,
    body: 'later',
    headers: { 'X-Why': 'circuit', 'Content-Type': 'text/plain' },
  }
  await mesh.deploy('api-open', [only.port], { circuitBreaker: { refusal } })
  const set = (mode: string) =>
    fetch(`${mesh.operator().url}/api/v1/mesh/v2/circuits/api-open`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ mode }),
    })
  equal((await set('forced_open')).status, 200)
  const refused = await waitFor(async () => {
    const answer = await mesh.get('api-open')
    return answer.status === 429 ? answer : null
  })
  deepEqual([refused.body, refused.headers.get('x-why')], ['later', 'circuit'])
  const isForced = async () => (await circuitsOf('api-open')).some(({ state }) => state === 'forced_open')
  await waitFor(isForced, { what: 'the circuit being told' })
  equal((await set('auto')).status, 200)
  // Kong tells its plugins with the next request alone, and there is none.
  await waitFor(async () => !(await isForced()), { what: 'nothing being told that holds no more' })
  await waitFor(async () => (await mesh.get('api-open')).status === 200)
})

test('outcomes reach the operator within a moment, and the circuits are in the metrics of the plugins', async () => {
  const [only] = (await echoes(1)) as [EchoServer]
  await mesh.deploy('counted', [only.port])
  for (let i = 0; i < 20; i++) equal((await mesh.get('counted')).status, 200)
  await waitFor(async () => {
    const text = await (await fetch(`${mesh.operator().url}/metrics`)).text()
    const line = new RegExp(
      `mesh_requests_total\\{service="counted",instance="127.0.0.1:${only.port}",status="2xx"\\} (\\d+)`,
    )
    return Number(line.exec(text)?.[1] ?? 0) >= 20
  })
  // By its name as soon as the operator has told the plugins of it; Kong may have served those 20 before it took the plugins up.
  const metrics = await waitFor(async () => {
    await mesh.get('counted')
    const text = await mesh.plugins.metrics()
    return text.includes('mesh_circuit_state{service="counted",state="closed"} 1') ? text : null
  })
  match(metrics, /mesh_outcomes_total\{source="upstream"\} \d+/)
})

test('an instance behind a host name is ejected by its name, and back when it is mended', async () => {
  const [bad, ...good] = (await echoes(3)) as [EchoServer, EchoServer, EchoServer]
  const circuitBreaker = { openSeconds: 1, backoff: { jitter: 0 } }
  await mesh.consul.setKey('mesh/services/named', JSON.stringify({ circuitBreaker }))
  for (const { port } of [bad, ...good]) {
    await mesh.consul.register({
      Name: 'named',
      ID: `named-${port}`,
      Address: 'localhost',
      Port: port,
      Check: { TTL: '600s', Status: 'passing' },
    })
  }
  const healthOfBad = async () => {
    const { body } = await mesh.admin('GET', '/upstreams/named.mesh/health')
    const rows = (body.data ?? []) as { target: string; health?: string }[]
    return rows.find(({ target }) => target === `localhost:${bad.port}`)?.health
  }
  await waitFor(async () => (await healthOfBad()) === 'HEALTHY', { what: 'its addresses in Kong' })
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/named/`, perSecond: 40 })
  try {
    await waitFor(() => good.every(({ seen }) => seen.length > 10), { what: 'traffic' })
    bad.behave({ status: 500 })
    await waitFor(async () => (await healthOfBad()) === 'UNHEALTHY', { what: 'the ejection' })
    const states = async () => (await circuitsOf('named')).map(({ target, state }) => `${target} ${state}`)
    await waitFor(async () => (await states()).includes(`localhost:${bad.port} ejected`), {
      what: 'its circuit at the operator',
    })
    bad.behave({})
    await waitFor(async () => (await healthOfBad()) === 'HEALTHY', { what: 'the return' })
    await waitFor(async () => !(await states()).some((each) => each.endsWith('ejected')), {
      what: 'good tries',
    })
  } finally {
    await traffic.stop()
  }
})

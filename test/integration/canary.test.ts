// Canaries, faults on purpose and external services, on a real Consul with the gateway and its plugin processes, which tell the operator what
// becomes of requests.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { freePorts } from '../support/free-port.ts'
import { runKongsul, startKongsul } from '../support/kongsul-process.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { FEED_TOKEN } from '../support/plugin-server.ts'
import { waitFor } from '../support/wait-for.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests read any field
type Answer = any

interface Version {
  readonly id: string
  readonly port: number
  status: number
  readonly server: http.Server
}

let stack: PluginMesh
/** Where a second operator can be started. */
let standbyPort: number
const versions = new Map<string, Version>()
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })

before(async () => {
  ;[standbyPort] = (await freePorts(1)) as [number]
  stack = await startPluginMesh({}, 'access_log', [`http://127.0.0.1:${standbyPort}`])
  for (const version of ['v1', 'v2']) await begin(version)
  await entry({ Kind: 'service-resolver', ...SUBSETS })
  // The breaker would take a version that fails out before the canary judges it.
  await stack.consul.setKey('mesh/services/web', '{"circuitBreaker": {"mode": "disabled"}}')
  await waitFor(async () => (await ask()).who === 'v1', { what: 'the default subset being served' })
})
after(async () => {
  agent.destroy()
  await stack.stop()
  for (const { server } of versions.values()) {
    server.closeAllConnections()
    server.close()
  }
})

const SUBSETS = {
  Name: 'web',
  DefaultSubset: 'v1',
  Subsets: {
    v1: { Filter: 'Service.Meta.version == v1' },
    v2: { Filter: 'Service.Meta.version == v2' },
  },
}
const entry = (body: object) => stack.consul.request('PUT', '/config', body)

async function begin(version: string): Promise<void> {
  const server = http.createServer((_request, response) => {
    response.writeHead(versions.get(version)!.status, { 'x-who': version }).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const id = `web-${version}`
  versions.set(version, { id, port, status: 200, server })
  await stack.consul.register({
    ...{ Name: 'web', ID: id, Address: '127.0.0.1', Port: port, Meta: { version } },
    Check: { TTL: '10m', Status: 'passing' },
  })
}

interface Seen {
  /** Version that answered. */
  readonly who: string
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly ms: number
}

/** One request through the proxy. */
const ask = (headers: Record<string, string> = {}, path = '/'): Promise<Seen> =>
  new Promise((resolve, reject) => {
    const startedMs = performance.now()
    const url = `${stack.proxyUrl}${path}`
    const request = http.get(url, { agent, headers: { host: 'web.mesh', ...headers } }, (answer) => {
      answer.resume()
      answer.on('end', () => {
        const who = String(answer.headers['x-who'] ?? '')
        const ms = performance.now() - startedMs
        resolve({ who, status: answer.statusCode ?? 0, headers: answer.headers, ms })
      })
    })
    request.on('error', reject)
  })

/** Requests for as long as `goesOn`. @returns how many each version answered */
async function traffic(goesOn: () => boolean): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  while (goesOn()) {
    const seen = await Promise.all(Array.from({ length: 8 }, () => ask()))
    for (const { who } of seen) found[who] = (found[who] ?? 0) + 1
  }
  return found
}

/** Plugin processes wait for up to 5 s before they tell an operator again that did not answer. */
const DEADLINE_MS = 30_000

/** Requests until the condition holds. */
async function whileAsking<T>(what: string, condition: () => Promise<T>): Promise<T> {
  let isOver = false
  const asking = traffic(() => !isOver)
  try {
    return await waitFor(condition, { what, deadlineMs: DEADLINE_MS })
  } finally {
    isOver = true
    await asking
  }
}

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Answer }> {
  const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
  const url = `${stack.operator().url}/api/v1/mesh/v2${path}`
  const answer = await fetch(url, { method, ...(body === undefined ? {} : json) })
  return { status: answer.status, body: await answer.json() }
}
const canary = async (): Promise<Answer> => (await call('GET', '/canaries?service=web')).body.canaries[0]
const isState = async (state: string) => {
  const now = await canary()
  if (now?.state !== state) throw new Error(`the canary is ${now?.state}: ${now?.decision}`)
  return now
}
const splits = async (): Promise<Answer> => {
  const answer = await fetch(`${stack.consul.url}/v1/config/service-splitter/web`)
  if (answer.status === 404) return null
  const { Splits } = (await answer.json()) as { Splits: { Weight: number; ServiceSubset?: string }[] }
  return Object.fromEntries(Splits.map(({ Weight, ServiceSubset }) => [ServiceSubset ?? '', Weight]))
}
const start = (over: object) =>
  call('POST', '/canaries', { service: 'web', to: 'v2', steps: [25], every: '1s', ...over })

test('what lacks for a canary is named with its entry, and service-defaults is written only when asked for', async () => {
  const noSubset = await start({ to: 'v9' })
  deepEqual([noSubset.status, noSubset.body.error.details[0].field], [422, 'to'])
  match(noSubset.body.detail, /service-resolver web has only v1, v2: add Subsets = \{ v9 =/)
  equal((await start({ service: 'nobody' })).status, 404)
  equal((await start({ steps: [50, 20] })).status, 422)
  match(
    (await start({})).body.detail,
    /write service-defaults web with Protocol = "http", or let it be written/,
  )
  equal((await start({ create_defaults: true, every: '1h' })).status, 200)
  equal((await start({})).status, 409)
  await waitFor(async () => (await splits())?.v2 === 25, { what: 'the first step' })
  const defaults = await fetch(`${stack.consul.url}/v1/config/service-defaults/web`)
  equal(((await defaults.json()) as Answer).Protocol, 'http')
  const aborted = await call('POST', '/canaries/web/abort', { by: 'ada', reason: 'only a try' })
  deepEqual([aborted.status, aborted.body.decision], [200, 'aborted: only a try (by ada)'])
  await waitFor(() => isState('aborted'), { what: 'the end' })
  equal(await splits(), null, 'there was no splitter before')
  equal((await call('POST', '/canaries/web/abort', {})).status, 409)
})

test('a canary that is good is promoted step by step, also by the operator that is started in its middle', async () => {
  await entry({ Kind: 'service-splitter', Name: 'web', Splits: [{ Weight: 100, ServiceSubset: 'v1' }] })
  const begun = await start({ min_requests: 10, max_p95: 2_000 })
  deepEqual([begun.status, begun.body.steps, begun.body.weight], [200, [25, 100], 25])
  await whileAsking('requests of the canary', async () => (await canary()).requests > 0)
  await stack.stopOperator()
  deepEqual(await splits(), { v1: 75, v2: 25 })
  await stack.startOperator({ feedToken: FEED_TOKEN })
  const promoted = await whileAsking('the canary being promoted', () => isState('promoted'))
  match(promoted.decision, /^promoted: 0 % of \d+ requests failed, p95 \d+ ms$/)
  deepEqual(await splits(), { v1: 0, v2: 100 })
  await waitFor(async () => (await ask()).who === 'v2')
})

test('a canary that fails is rolled back within its step, which is alerted, and nobody else fails then', async () => {
  await entry({ Kind: 'service-splitter', Name: 'web', Splits: [{ Weight: 100, ServiceSubset: 'v1' }] })
  versions.get('v2')!.status = 500
  equal((await start({ steps: [20, 100], every: '10m', max_error_rate: 5 })).status, 200)
  const failed = await whileAsking('the canary being rolled back', () => isState('rolled_back'))
  match(failed.decision, /^rolled back: 100 % of \d+ requests failed, 5 % may$/)
  ok(Date.parse(failed.since) - Date.parse(failed.started_at) < 60_000)
  deepEqual(await splits(), { v1: 100 })
  await waitFor(async () => (await traffic(once()))['v2'] === undefined)
  versions.get('v2')!.status = 200
  const { problems } = stack.operator().status()
  ok(problems.some(({ code, service }) => code === 'CANARY_ROLLED_BACK' && service === 'web'))
  await waitFor(
    async () => {
      const { alerts } = (await call('GET', '/alerts')).body
      return alerts.some(({ id }: Answer) => id === 'MeshCanaryRolledBack/web')
    },
    { what: 'the alert' },
  )
})

test('with too few requests nothing happens, and a splitter changed by hand stays until the canary is aborted', async () => {
  equal((await start({ min_requests: 1_000_000 })).status, 200)
  await waitFor(async () => (await splits())?.v2 === 25, { what: 'the first step' })
  await waitFor(async () => Date.parse((await canary()).since) < Date.now() - 1_000, {
    what: 'the end of the step',
  })
  match((await canary()).decision, /^too few requests to judge: \d+ of 1000000$/)
  const byHand = [
    { Weight: 40, ServiceSubset: 'v1' },
    { Weight: 60, ServiceSubset: 'v2' },
  ]
  await entry({ Kind: 'service-splitter', Name: 'web', Splits: byHand })
  const paused = await waitFor(() => isState('paused'), { what: 'the pause' })
  match(paused.decision, /service-splitter web was changed by somebody else/)
  deepEqual(await splits(), { v1: 40, v2: 60 })
  equal((await call('POST', '/canaries/web/abort', { by: 'ada' })).status, 200)
  await waitFor(() => isState('aborted'), { what: 'the end' })
  deepEqual(await splits(), { v1: 100 })
})

test('a subset without healthy instances is left at once', async () => {
  equal((await start({ every: '10m' })).status, 200)
  await waitFor(async () => (await splits())?.v2 === 25, { what: 'the first step' })
  await stack.consul.setCheck('service:web-v2', 'fail')
  const over = await waitFor(() => isState('rolled_back'), { what: 'the end' })
  equal(over.decision, 'rolled back: no instance of subset v2 of web is healthy')
  match((await start({})).body.detail, /no instance of subset v2 of web is healthy/)
  await stack.consul.setCheck('service:web-v2', 'pass')
})

test('the command line begins, shows, promotes and aborts, and each change is an event', async () => {
  const env = { KONGSUL_ADDR: stack.operator().url }
  const run = (...args: string[]) => runKongsul(['canary', ...args], env)
  const rules = ['--to', 'v2', '--steps', '25', '--every', '10m', '--max-error-rate', '1', '--max-p95', '400']
  const begun = await waitFor(
    async () => {
      const done = await run('start', 'web', ...rules)
      return done.code === 0 ? done : Promise.reject(new Error(done.stderr))
    },
    { what: 'v2 being healthy again' },
  )
  equal(begun.stdout, 'web: canary to v2 begins with 25 %.\nSee how it goes: kongsul canary status web\n')
  const [status, refused, wrong] = await Promise.all([
    run('status', 'web'),
    run('start', 'web', '--to', 'v2', '--steps', '5,50', '--every', '2m'),
    run('start', 'web', '--to', 'v2', '--steps', '50,5'),
  ])
  equal(status.code, 0, status.stderr)
  match(
    status.stdout,
    /^SERVICE +TO +STATE +STEP +WEIGHT +REQUESTS +FAILED +P95 +DECISION\nweb +v2 +running +1\/2 +25 %/,
  )
  match(
    status.stdout,
    /steps 25, 100 %, each 600 s or longer; at most 1 % failed, p95 at most 400 ms, judged from 20 requests on/,
  )
  match(refused.stderr, /a canary of web to v2 goes on; end it first: kongsul canary abort web/)
  match(wrong.stderr, /Give rising percents up to 100/)
  const promoted = await run('promote', 'web', '--reason', 'looks good')
  deepEqual(
    [promoted.code, /^web: promoted: looks good \(by .+\)\.\n$/.test(promoted.stdout)],
    [0, true],
    promoted.stdout,
  )
  await waitFor(() => isState('promoted'), { what: 'the end' })
  deepEqual(await splits(), { v1: 0, v2: 100 })
  const events = await fetch(`${env.KONGSUL_ADDR}/api/v1/mesh/v2/events`, {
    headers: { 'last-event-id': '1' },
  })
  const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!/"state":"promoted"/.test(text)) text += (await reader.read()).value ?? ''
  await reader.cancel()
  match(text, /event: canary\ndata: .*"state":"running"/)
  equal((await run('start', 'web', '--to', 'v1', '--steps', '25', '--every', '10m')).code, 0)
  await waitFor(async () => (await splits())?.v1 === 25, { what: 'the way back' })
  equal((await run('abort', 'web')).code, 0)
  await waitFor(() => isState('aborted'), { what: 'the end' })
  deepEqual(await splits(), { v1: 0, v2: 100 })
  const over = await run('abort', 'web')
  deepEqual([over.code, /no canary of web goes on|is over|ended/i.test(over.stderr)], [1, true], over.stderr)
})

test('with a header to hash by each caller stays at one side of a split', async () => {
  await stack.consul.setKey(
    'mesh/services/web',
    '{"loadBalancing": {"strategy": "ip_hash", "hashOn": "header:x-user"}}',
  )
  const halves = [
    { Weight: 50, ServiceSubset: 'v1' },
    { Weight: 50, ServiceSubset: 'v2' },
  ]
  await entry({ Kind: 'service-splitter', Name: 'web', Splits: halves })
  const sides = async () => {
    const users = Array.from({ length: 20 }, (_, at) => `user-${at}`)
    const seen = []
    for (const user of users)
      seen.push([await ask({ 'x-user': user }), await ask({ 'x-user': user })] as const)
    return {
      isSticky: seen.every(([one, two]) => one.who === two.who),
      who: new Set(seen.map(([one]) => one.who)),
    }
  }
  await waitFor(
    async () => {
      const { isSticky, who } = await sides()
      return isSticky && who.size === 2
    },
    { what: 'callers staying where they are, at both sides' },
  )
})

test('with a cookie to hash by a caller without one is given it, and stays at its side', async () => {
  await stack.consul.setKey(
    'mesh/services/web',
    '{"loadBalancing": {"strategy": "ip_hash", "hashOn": "cookie:side"}}',
  )
  const one = async () => {
    const first = await ask()
    const [cookie = ''] = (first.headers['set-cookie'] ?? []).filter((each) => each.startsWith('side='))
    if (cookie === '') throw new Error('no cookie is set')
    const again = await ask({ cookie: cookie.split(';')[0]! })
    return { who: first.who, isSame: again.who === first.who && again.headers['set-cookie'] === undefined }
  }
  await waitFor(
    async () => {
      const seen = await Promise.all(Array.from({ length: 20 }, one))
      return seen.every(({ isSame }) => isSame) && new Set(seen.map(({ who }) => who)).size === 2
    },
    { what: 'callers staying where their cookie says, at both sides' },
  )
})

const once = () => {
  let left = 5
  return () => left-- > 0
}

test('faults delay and abort as many requests as they say, are told everywhere, and end by themselves', async () => {
  const faults = async (said: object, forMs = 60_000) => {
    const until = new Date(Date.now() + forMs).toISOString()
    await stack.consul.setKey('mesh/services/web', JSON.stringify({ faults: { until, ...said } }))
  }
  const isProblem = (code: string) =>
    stack
      .operator()
      .status()
      .problems.some((each) => each.code === code)
  await faults({ abortPercent: 100, abortStatus: 418, paths: ['/bad'] })
  const aborted = await waitFor(
    async () => {
      const seen = await ask({}, '/bad/x')
      return seen.status === 418 ? seen : null
    },
    { what: 'an aborted request' },
  )
  deepEqual([aborted.who, aborted.headers['x-mesh-fault']], ['', 'abort'])
  const other = await ask({}, '/good')
  deepEqual([other.status, other.headers['x-mesh-fault']], [200, undefined])
  ok(isProblem('FAULTS_IN_FORCE'))
  // Longer than Kong waits for a plugin that is silent.
  await faults({ delayMs: 700 })
  const delayed = await waitFor(
    async () => {
      const seen = await ask()
      if (seen.headers['x-mesh-fault'] !== 'delay') return null
      // A plugin that a busy machine holds up for 100 ms between its steps lets the request go on.
      ok(seen.ms >= 700, `${seen.ms} ms`)
      return seen
    },
    { what: 'a request delayed for as long as was said', deadlineMs: DEADLINE_MS },
  )
  equal(delayed.status, 200)
  await faults({ abortPercent: 50 })
  await waitFor(async () => (await ask()).status === 503, { what: 'the new faults' })
  const seen = await Promise.all(Array.from({ length: 200 }, () => ask()))
  const found = seen.filter(({ status }) => status === 503).length
  ok(found > 60 && found < 140, `${found} of 200 aborted`)
  await faults({ abortPercent: 50 }, 3_000)
  await waitFor(
    async () =>
      (await fetch(`${stack.consul.url}/v1/kv/mesh/services/web?raw`)).text().then((text) => text === '{}'),
    {
      what: 'the faults being taken out of KV',
    },
  )
  equal(isProblem('FAULTS_IN_FORCE'), false)
  equal((await traffic(once()))[''], undefined)
  await faults({ abortPercent: 100 }, 7_200_000)
  await waitFor(() => isProblem('SETTING_INVALID'), { what: 'faults for two hours being refused' })
  equal((await ask()).status, 200)
})

test('an external service of KV is a service like any, by its host name, and leaves while its probe fails', async (t) => {
  let isWell = true
  const seen = new Set<string | undefined>()
  const place = http.createServer((request, response) => {
    if (request.url === '/health') return void response.writeHead(isWell ? 204 : 500).end()
    seen.add(request.headers.host)
    response.end('outside')
  })
  t.after(() => {
    place.closeAllConnections()
    place.close()
  })
  await new Promise<void>((done) => place.listen(0, '127.0.0.1', done))
  const { port } = place.address() as AddressInfo
  const document = (over: object = {}) =>
    JSON.stringify({
      ...{
        hostname: 'localhost',
        port,
        healthCheck: { http: '/health', intervalSeconds: 1, timeoutMs: 500 },
      },
      ...over,
    })
  const asked = async () => {
    const answer = await fetch(`${stack.proxyUrl}/payments/x`)
    return `${answer.status} ${await answer.text()}`
  }
  const status = () => stack.operator().status()
  const health = () =>
    status()
      .services.find(({ service }) => service === 'payments')
      ?.instances.map((each) => `${each.target} ${each.health}`)
      .join()
  const problem = (code: string) => status().problems.find((each) => each.code === code)?.message ?? ''
  await stack.consul.setKey('mesh/external/payments', document())
  await waitFor(async () => (await asked()) === '200 outside', { what: 'the external service being served' })
  deepEqual([...seen], [`localhost:${port}`])
  await stack.consul.setKey('mesh/external/payments', document({ protocl: 'https' }))
  await waitFor(() => problem('EXTERNAL_INVALID') !== '', { what: 'the refusal' })
  match(
    problem('EXTERNAL_INVALID'),
    /protocl is not a setting; did you mean protocol\?; the last good document stays/,
  )
  await waitFor(async () => (await fetch(`${stack.consul.url}/v1/kv/mesh/status/external/payments`)).ok)
  equal(await asked(), '200 outside')
  isWell = false
  await waitFor(() => health() === `localhost:${port} unhealthy`, { what: 'the probe being heeded' })
  isWell = true
  await waitFor(() => health() === `localhost:${port} healthy`, { what: 'the probe being heeded again' })
  await stack.consul.setKey('mesh/external/web', document())
  await waitFor(() => problem('EXTERNAL_CONFLICT').includes('mesh/external/web'), { what: 'the conflict' })
  equal((await stack.weights('web'))[`localhost:${port}`], undefined)
  await stack.consul.deleteKey('mesh/external/payments')
  await waitFor(async () => (await asked()).startsWith('404'), { what: 'the external service being gone' })
})

test('a canary goes on with the operator that stood by when the leading one is killed in its middle', async () => {
  await entry({ Kind: 'service-splitter', Name: 'web', Splits: [{ Weight: 100, ServiceSubset: 'v1' }] })
  const { adminUrl, proxyUrl, consul } = stack
  const { port } = stack.config().api
  await stack.stopOperator()
  const begin = async (at: number) => {
    const url = `http://127.0.0.1:${at}`
    const started = startKongsul(['operator'], {
      CONSUL_HTTP_ADDR: consul.url,
      KONG_ADMIN_URL: adminUrl,
      KONG_PROXY_URL: proxyUrl,
      KONGSUL_PORT_API: `${at}`,
      KONGSUL_EXPOSE_DEFAULT: 'all',
      KONGSUL_FEED_TOKEN: FEED_TOKEN,
    })
    await waitFor(async () => (await fetch(`${url}/readyz`)).ok, {
      what: 'an operator',
      deadlineMs: DEADLINE_MS,
    })
    const canaries = `${url}/api/v1/mesh/v2/canaries`
    const own = async (): Promise<Answer> =>
      ((await (await fetch(`${canaries}?service=web`)).json()) as Answer).canaries[0]
    const leads = async () =>
      ((await (await fetch(`${url}/api/v1/mesh/v2/status`)).json()) as Answer).leading === true
    return { ...started, canaries, own, leads }
  }
  const leader = await begin(port)
  const standby = await begin(standbyPort)
  try {
    await waitFor(leader.leads, { what: 'the first operator leading', deadlineMs: DEADLINE_MS })
    const body = JSON.stringify({ service: 'web', to: 'v2', steps: [25], every: '3s', min_requests: 10 })
    const headers = { 'content-type': 'application/json' }
    const begun = await fetch(leader.canaries, { method: 'POST', headers, body })
    equal(begun.status, 200, await begun.text())
    await whileAsking('requests of the canary', async () => (await leader.own()).requests > 0)
    await leader.stop('SIGKILL')
    deepEqual(await splits(), { v1: 75, v2: 25 })
    await whileAsking('the standing one promoting the canary', async () => {
      const { state, decision } = await standby.own()
      return state === 'promoted' || Promise.reject(new Error(`the canary is ${state}: ${decision}`))
    })
    deepEqual([await standby.leads(), await splits()], [true, { v1: 0, v2: 100 }])
  } finally {
    await Promise.all([leader.stop('SIGKILL'), standby.stop()])
  }
})

import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, describe, test } from 'node:test'
import { type AdminProxy, isWrite, startAdminProxy } from '../support/admin-proxy.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

// What Consul 1.8.7 takes, on a real Consul, through the operator and the gateway.
describe('configuration entries of Consul', () => {
  let stack: Stack
  /** Counts what the operator writes. */
  let kong: AdminProxy
  const servers = new Map<string, EchoServer>()
  const names = new Map<number, string>()
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 })

  const write = (entry: object) => stack.consul.request('PUT', '/config', entry)
  const remove = (kind: string, name: string) => stack.consul.request('DELETE', `/config/${kind}/${name}`)
  const check = (id: string, state: 'pass' | 'fail') => stack.consul.setCheck(`service:${id}`, state)

  const begin = async (service: string, version: string): Promise<void> => {
    const server = await startEchoServer()
    const id = `${service}-${version}`
    servers.set(id, server)
    names.set(server.port, id)
    await stack.consul.register({
      Name: service,
      ID: id,
      Address: '127.0.0.1',
      Port: server.port,
      Meta: { version },
      Check: { TTL: '10m', Status: 'passing' },
    })
  }

  interface Seen {
    readonly status: number
    readonly who: string
    readonly path: string
    readonly headers: http.IncomingHttpHeaders
    readonly answered: http.IncomingHttpHeaders
  }

  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Seen> =>
    new Promise((resolve, reject) => {
      const url = `${stack.proxyUrl}${path}`
      const request = http.request(
        url,
        { method, agent, headers: { host: 'web.mesh', ...headers } },
        (answer) => {
          let text = ''
          answer.on('data', (chunk) => {
            text += chunk
          })
          answer.on('end', () => {
            const status = answer.statusCode ?? 0
            const echo = status === 200 ? JSON.parse(text) : { port: 0, url: '', headers: {} }
            const who = names.get(echo.port) ?? ''
            resolve({ status, who, path: echo.url, headers: echo.headers, answered: answer.headers })
          })
        },
      )
      request.on('error', reject)
      request.end()
    })

  const served = (path: string, who: string, headers: Record<string, string> = {}, method = 'GET') =>
    waitFor(async () => (await ask(path, headers, method)).who === who, { what: `${path} served by ${who}` })

  const tally = async (count: number): Promise<Record<string, number>> => {
    const found: Record<string, number> = {}
    let left = count
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1
        const { status, who } = await ask('/')
        const key = status === 200 ? who : String(status)
        found[key] = (found[key] ?? 0) + 1
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    return found
  }

  const upstreams = async (): Promise<string[]> => {
    const { body } = await stack.admin('GET', '/upstreams?size=1000')
    return body.data.map(({ name }: KongRow) => name).filter((name: string) => !name.startsWith('kongsul'))
  }

  /** What requests were led away from goes some seconds later. */
  const onlyUpstreams = (...names: string[]) =>
    waitFor(async () => assert.deepEqual((await upstreams()).sort(), names) ?? true, {
      what: 'nothing else being there',
      deadlineMs: 30_000,
    })

  /** By every worker of Kong: each takes a change over by itself. */
  const allServed = (who: string) =>
    waitFor(async () => assert.deepEqual(await tally(20), { [who]: 20 }) ?? true, {
      what: `${who} serving all`,
    })

  const isClose = (found: Record<string, number>, who: string, part: number, of: number): void => {
    const sigma = Math.sqrt(of * part * (1 - part))
    const got = found[who] ?? 0
    assert.ok(Math.abs(got - of * part) <= 3 * sigma, `${who}: ${got} of ${of}, not ${of * part}`)
  }

  const RESOLVER = {
    Kind: 'service-resolver',
    Name: 'web',
    DefaultSubset: 'v1',
    Subsets: {
      v1: { Filter: 'Service.Meta.version == v1' },
      v2: { Filter: 'Service.Meta.version == v2' },
    },
    Failover: { v1: { ServiceSubset: 'v2' } },
  }

  before(async () => {
    stack = await startStack()
    for (const [service, version] of [
      ['web', 'v1'],
      ['web', 'v2'],
      ['api', 'v1'],
    ] as const) {
      await begin(service, version)
    }
    for (const Name of ['web', 'api']) await write({ Kind: 'service-defaults', Name, Protocol: 'http' })
    await write(RESOLVER)
    kong = await startAdminProxy(stack.adminUrl)
    await stack.startOperator({ kong: { adminUrl: kong.url } })
    await served('/', 'web-v1')
  })

  after(async () => {
    agent.destroy()
    await stack.stop()
    await kong.close()
    await Promise.all([...servers.values()].map((each) => each.close()))
  })

  test('a subset fails over with one change of health, and back', async () => {
    await allServed('web-v1')
    await check('web-v1', 'fail')
    await allServed('web-v2')
    const { problems } = stack.operator().status()
    assert.ok(problems.some(({ code }) => code === 'FAILOVER_ACTIVE'))
    await check('web-v1', 'pass')
    await allServed('web-v1')
  })

  test('a subset fails over to another service, and back', async () => {
    await write({ ...RESOLVER, DefaultSubset: 'v2', Failover: { '*': { Service: 'api' } } })
    await allServed('web-v2')
    await check('web-v2', 'fail')
    await allServed('api-v1')
    await check('web-v2', 'pass')
    await allServed('web-v2')
    await write(RESOLVER)
    await allServed('web-v1')
  })

  test('requests go by path, method and header, the first match wins, the rest stays', async () => {
    const http = (match: object, destination: object) => ({
      Match: { HTTP: match },
      Destination: destination,
    })
    await write({
      Kind: 'service-router',
      Name: 'web',
      Routes: [
        http({ PathExact: '/exact' }, { Service: 'api' }),
        http({ PathPrefix: '/admin/', Methods: ['POST'] }, { Service: 'api', PrefixRewrite: '/new/' }),
        http({ PathPrefix: '/admin' }, { ServiceSubset: 'v2' }),
        http({ Header: [{ Name: 'x-canary', Exact: 'yes' }] }, { ServiceSubset: 'v2' }),
        http({ PathRegex: '/items/[0-9]+' }, { Service: 'api' }),
        http({ QueryParam: [{ Name: 'q', Present: true }] }, { Service: 'api' }),
      ],
    })
    await served('/exact', 'api-v1')
    const table: [string, string, Record<string, string>, string, string][] = [
      ['GET', '/', {}, 'web-v1', '/'],
      ['GET', '/exact', {}, 'api-v1', '/exact'],
      ['GET', '/exact', { 'x-canary': 'yes' }, 'api-v1', '/exact'],
      ['GET', '/exact/not', {}, 'web-v1', '/exact/not'],
      ['POST', '/admin/x?a=1', {}, 'api-v1', '/new/x?a=1'],
      ['GET', '/admin/x', {}, 'web-v2', '/admin/x'],
      ['GET', '/adminx', {}, 'web-v2', '/adminx'],
      ['POST', '/other', { 'x-canary': 'yes' }, 'web-v2', '/other'],
      ['GET', '/other', { 'x-canary': 'no' }, 'web-v1', '/other'],
      ['GET', '/items/12', {}, 'api-v1', '/items/12'],
      ['GET', '/items/x', {}, 'web-v1', '/items/x'],
      ['GET', '/?q=1', {}, 'web-v1', '/?q=1'],
    ]
    for (const [method, path, headers, who, sent] of table) {
      const byHost = await ask(path, headers, method)
      assert.deepEqual([byHost.who, byHost.path], [who, sent], `${method} ${path} by host`)
      const byPath = await ask(`/web${path}`, { ...headers, host: 'proxy.test' }, method)
      assert.deepEqual([byPath.who, byPath.path], [who, sent], `${method} /web${path}`)
    }
    const { problems } = stack.operator().status()
    assert.ok(problems.some(({ message }) => message.includes('Routes[5].Match.HTTP.QueryParam')))
    await remove('service-router', 'web')
    await served('/exact', 'web-v1')
  })

  test('a splitter shares requests as its weights say, and a new weight writes nothing but weights', async () => {
    const split = (first: number) => ({
      Kind: 'service-splitter',
      Name: 'web',
      Splits: [
        { Weight: first, ServiceSubset: 'v1' },
        { Weight: 100 - first, ServiceSubset: 'v2' },
      ],
    })
    await write(split(90))
    // A worker of Kong that has just heard of an upstream may know one of its targets for a moment.
    await waitFor(
      async () => {
        const few = (await tally(100))['web-v2'] ?? 0
        return few >= 5 && few <= 15
      },
      { what: 'the split' },
    )
    const found = await tally(10_000)
    isClose(found, 'web-v1', 0.9, 10_000)
    isClose(found, 'web-v2', 0.1, 10_000)
    await onlyUpstreams('_split.web.mesh', 'api.mesh', 'web.mesh')
    await stack.settled()
    const seen = stack.operator().changes({ limit: 100 })[0]!.id
    const before = kong.calls.filter(isWrite).length
    let stops = false
    const running = (async () => {
      const results: Record<string, number> = {}
      while (!stops)
        for (const [key, n] of Object.entries(await tally(50))) results[key] = (results[key] ?? 0) + n
      return results
    })()
    await write(split(50))
    await waitFor(async () => Math.abs(((await tally(100))['web-v2'] ?? 0) - 50) <= 5, {
      what: 'the new weights',
    })
    stops = true
    const during = await running
    assert.deepEqual(Object.keys(during).sort(), ['web-v1', 'web-v2'])
    await stack.settled()
    const diff = stack
      .operator()
      .changes({ limit: 100 })
      .filter(({ id }) => id > seen)
      .flatMap((each) => each.diff)
    assert.deepEqual(
      diff.map(({ action, kind }) => `${action} ${kind}`),
      ['update target', 'update target'],
    )
    const writes = kong.calls.filter(isWrite).slice(before)
    assert.deepEqual(
      writes.map(({ method, path }) => `${method} ${path.replace(/[^/]+$/, '')}`),
      Array.from({ length: 2 }, () => `PATCH ${writes[0]!.path.replace(/[^/]+$/, '')}`),
    )
    assert.match(writes[0]!.path, /^\/upstreams\/[^/]+\/targets\//)
    const count = kong.calls.filter(isWrite).length
    await write(split(100))
    await allServed('web-v1')
    await stack.settled()
    assert.deepEqual(
      kong.calls
        .filter(isWrite)
        .slice(count)
        .map(({ method, path }) => `${method} ${path.split('/')[3]}`),
      ['PATCH targets', 'PATCH targets'],
    )
    await write(split(50))
    await waitFor(async () => Object.keys(await tally(20)).length === 2, { what: 'both again' })
  })

  test('weights of a split are read, previewed and written through the API, over what was read alone', async () => {
    const call = async (method: string, path: string, body?: object) => {
      const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
      const url = `${stack.operator().url}/api/v1/mesh/v2/${path}`
      const answer = await fetch(url, { method, ...(body === undefined ? {} : json) })
      // biome-ignore lint/suspicious/noExplicitAny: any answer
      return { status: answer.status, body: (await answer.json()) as any }
    }
    const legs = (first: number) => [
      { service: 'web', subset: 'v1', weight: first },
      { service: 'web', subset: 'v2', weight: 100 - first },
    ]
    const [read] = (await call('GET', 'splits?service=web')).body.splits
    assert.deepEqual(read.legs, legs(50))
    const wanted = { service: 'web', index: read.index, legs: [{ subset: 'v2', weight: 20 }] }
    const uneven = await call('POST', 'configure/split', wanted)
    assert.deepEqual([uneven.status, uneven.body.error.details[0].field], [422, 'legs'])
    const whole = { ...wanted, legs: legs(80) }
    const preview = (await call('POST', 'configure/split?preview=true', whole)).body
    assert.deepEqual([preview.legs, preview.total], [legs(80), 2])
    for (const { kind, action, fields } of preview.changes) {
      const names = fields.map(({ field }: { field: string }) => field)
      assert.deepEqual([kind, action, names], ['target', 'update', ['tags', 'weight']])
    }
    assert.deepEqual((await call('GET', 'splits')).body.splits[0].legs, legs(50), 'nothing is written')
    assert.deepEqual((await call('POST', 'configure/split', whole)).body, {
      status: 'configured',
      service: 'web',
      legs: legs(80),
    })
    await waitFor(async () => (await call('GET', 'splits')).body.splits[0].legs[0].weight === 80, {
      what: 'the weights being followed',
    })
    assert.equal((await call('POST', 'configure/split', { ...whole, legs: legs(70) })).status, 409)
    assert.equal((await call('POST', 'configure/split', { ...whole, service: 'none' })).status, 404)
    await remove('service-splitter', 'web')
    await served('/', 'web-v1')
  })

  test('what requests were led away from is there until every worker of a Kong has noticed', async () => {
    const targets = async () =>
      (await stack.admin('GET', '/upstreams/_split.web.mesh/targets')).body.data.length
    await stack.settled()
    assert.ok((await upstreams()).includes('_split.web.mesh'))
    assert.equal(await targets(), 2)
    await onlyUpstreams('api.mesh', 'v1.web.mesh', 'web.mesh')
    await allServed('web-v1')
  })
})

// What a plugin server that is down, restarted, hung or late costs a request: what it costs with Kong.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { pack } from '../../kong/gateway/plugin-server/message-pack.ts'
import { type PdkServer, startPdkServer } from '../support/pdk-server.ts'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import {
  type Answer,
  type ScriptedPluginServer,
  startScriptedPluginServer,
} from '../support/scripted-plugin-server.ts'
import { waitFor } from '../support/wait-for.ts'

const READ_TIMEOUT_MS = 400
let gateway: PluginGateway
let socket: string
const running: (PdkServer | ScriptedPluginServer)[] = []

before(async () => {
  gateway = await startPluginGateway({
    plugins: ['toy-a'],
    env: { KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT: `${READ_TIMEOUT_MS}ms` },
  })
  socket = gateway.socketOf('toy-a')
  await gateway.expose('one')
})
after(() => gateway?.close())
afterEach(async () => {
  for (const server of running.splice(0)) await ('kill' in server ? server.kill() : server.close())
})

async function serve(): Promise<PdkServer> {
  const server = await startPdkServer('toy-a', socket)
  running.push(server)
  return server
}

async function script(
  answer: Parameters<typeof startScriptedPluginServer>[1],
): Promise<ScriptedPluginServer> {
  const server = await startScriptedPluginServer(socket, answer)
  running.push(server)
  return server
}

const get = () => gateway.kong.request({ path: '/one/', headers: { 'x-in': 'IN' } })
/** Configured anew, every instance has to be started again. */
const configure = (config: object) => gateway.configure('toy-a', 'one', { mode: 'none', calls: 0, ...config })

const STARTED = { result: { Name: 'toy-a', Id: 7, Config: {}, StartTime: 1 } }
const CLOSED = { result: {} }
const DONE = { result: { Data: 'ret', EventId: 1 } }
const WRONG_ID = { bytes: Buffer.from([0x94, 1, 99, 0xc0, 0xc0]) }

test('an instance that must be started while nothing listens is a 500', async () => {
  await configure({})
  const answer = await get()
  assert.equal(answer.status, 500)
  const { message, request_id: id } = JSON.parse(answer.text)
  assert.equal(message, 'An unexpected error occurred')
  assert.equal(answer.headers['x-kong-request-id'], id)
  await serve()
  assert.equal((await get()).status, 200)
})

test('a server that went away costs nothing when its instance is known', async () => {
  const server = await serve()
  await configure({ calls: 3 })
  assert.equal((await get()).headers['x-toy-resp'], 'a1')
  await server.kill()
  const answer = await get()
  assert.deepEqual([answer.status, answer.headers['x-toy-resp']], [200, undefined])
})

test('a restarted server gets a new instance on the next request', async () => {
  await configure({ calls: 3 })
  const first = await serve()
  assert.equal((await get()).headers['x-toy-resp'], 'a1')
  await first.kill()
  const second = await serve()
  const answer = await get()
  assert.equal(answer.headers['x-toy-resp'], 'a1')
  assert.match(JSON.parse(answer.text).headers['x-toy-a'], new RegExp(`n=1 pid=${second.pid}`))
})

test('a hung handler holds the request for the read timeout, then it goes on', async () => {
  await serve()
  await configure({ mode: 'hang' })
  const startMs = performance.now()
  assert.equal((await get()).status, 200)
  assert.ok(performance.now() - startMs >= READ_TIMEOUT_MS - 5)
})

test('an answer after the timeout closes the idle connection and nothing else', async () => {
  let answerLate = (): void => {}
  const late = new Promise<void>((resolve) => {
    answerLate = resolve
  })
  const server = await script(async ({ method, args }) => {
    if (method === 'plugin.StartInstance') return STARTED
    if (method === 'plugin.CloseInstance') return CLOSED
    const isAccess = JSON.stringify(args).includes('access')
    if (isAccess && server.received.filter((one) => one.method === method).length === 1) await late
    return DONE
  })
  await configure({})
  assert.equal((await get()).status, 200)
  await waitFor(() => JSON.stringify(server.received.at(-1)?.args).includes('log'), { what: 'the log event' })
  answerLate()
  assert.equal((await get()).status, 200)
})

test('an answer to an earlier call on a connection used again is a 500', async () => {
  let events = 0
  await script(({ method }) => {
    if (method === 'plugin.StartInstance') return STARTED
    if (method === 'plugin.CloseInstance') return CLOSED
    return events++ === 0 ? null : WRONG_ID
  })
  await configure({})
  assert.equal((await get()).status, 200)
  assert.equal((await get()).status, 500)
})

const unusual: readonly [string, Answer, number][] = [
  ['nothing at all as its result', { result: null }, 200],
  ['no Data', { result: { EventId: 1 } }, 500],
  ['no MessagePack', { bytes: Buffer.from([0xc1, 1, 2]) }, 500],
  ['no RPC message', { bytes: Buffer.from([5]) }, 500],
]
for (const [what, said, status] of unusual) {
  test(`an event answered with ${what} is ${status}`, async () => {
    await script(({ method }) => {
      if (method === 'plugin.StartInstance') return STARTED
      return method === 'plugin.CloseInstance' ? CLOSED : said
    })
    await configure({})
    assert.equal((await get()).status, status)
  })
}

test('a notification before an answer changes nothing', async () => {
  await script(({ id, method }) => {
    if (method === 'plugin.StartInstance') return STARTED
    if (method === 'plugin.CloseInstance') return CLOSED
    return { bytes: Buffer.concat([pack([2, 'serverPid', 7]), pack([1, id, null, DONE.result])]) }
  })
  await configure({})
  assert.equal((await get()).status, 200)
})

test('a changed plugin closes its old instance, a deleted one does not', async () => {
  const server = await script(({ method }) => {
    if (method === 'plugin.StartInstance') return STARTED
    return method === 'plugin.CloseInstance' ? CLOSED : DONE
  })
  const methods = () => server.received.map(({ method }) => method.replace('plugin.', ''))
  const ask = () => gateway.kong.request({ path: '/own/' })
  await gateway.expose('own')
  await gateway.configure('toy-a', 'own', { calls: 1 })
  await ask()
  await waitFor(() => methods().length === 3, { what: 'an instance and two events' })
  await gateway.configure('toy-a', 'own', { calls: 2 })
  await ask()
  await waitFor(() => methods().length === 7, { what: 'another instance and two events' })
  assert.deepEqual(methods().slice(3), ['StartInstance', 'CloseInstance', 'HandleEvent', 'HandleEvent'])
  assert.deepEqual(server.received[4]!.args, [7])
  const { body } = await gateway.kong.admin('GET', '/services/own/plugins')
  await gateway.kong.admin('DELETE', `/plugins/${(body as { data: { id: string }[] }).data[0]!.id}`)
  assert.equal((await ask()).status, 200)
  assert.equal(methods().length, 7)
})

test('requests at the same time start one instance and use a connection each', async () => {
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const server = await script(async ({ method }) => {
    if (method === 'plugin.StartInstance') return STARTED
    if (method !== 'plugin.CloseInstance') await released
    return DONE
  })
  await configure({ calls: 3 })
  const answers = Promise.all([get(), get(), get()])
  const events = () => server.received.filter(({ method }) => method === 'plugin.HandleEvent')
  await waitFor(() => events().length === 3, { what: 'three events at once' })
  release()
  assert.deepEqual(
    (await answers).map(({ status }) => status),
    [200, 200, 200],
  )
  assert.equal(server.received.filter(({ method }) => method === 'plugin.StartInstance').length, 1)
  assert.equal(
    new Set(
      events()
        .slice(0, 3)
        .map(({ connection }) => connection),
    ).size,
    3,
  )
})

test('the gateway runs servers with a start command, and again when they end', async () => {
  const own = await startPluginGateway({ plugins: ['toy-a'], starts: true })
  try {
    await own.expose('two')
    await own.configure('toy-a', 'two', { calls: 3 })
    const pid = await waitFor(async () => {
      const { text } = await own.kong.request({ path: '/two/' })
      return /pid=(\d+)/.exec(text)?.[1]
    })
    process.kill(Number(pid), 'SIGKILL')
    await waitFor(
      async () => {
        const { text } = await own.kong.request({ path: '/two/' })
        const now = /pid=(\d+)/.exec(text)?.[1]
        return now !== undefined && now !== pid
      },
      { what: 'the plugin server started again' },
    )
  } finally {
    await own.close()
  }
})

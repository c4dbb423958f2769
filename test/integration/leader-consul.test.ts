import { equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { startConsul, type TestConsul } from '../support/consul.ts'
import { startFaultyProxy } from '../support/faulty-proxy.ts'
import { type LeaderOptions, type LeaderProcess, startLeader } from '../support/start-leader.ts'
import { waitFor } from '../support/wait-for.ts'

async function consulFor(t: TestContext, options: { keepData?: boolean } = {}): Promise<TestConsul> {
  const consul = await startConsul(options)
  t.after(() => consul.stop())
  return consul
}

async function leaderFor(t: TestContext, options: LeaderOptions): Promise<LeaderProcess> {
  const leader = await startLeader(options)
  t.after(() => leader.end('SIGKILL'))
  return leader
}

async function holder(consul: TestConsul): Promise<{ session: string | undefined; value: { id: string } }> {
  const [row] = (await consul.request('GET', '/kv/mesh/leader/default')) as {
    Session?: string
    Value: string
  }[]
  return { session: row!.Session, value: JSON.parse(Buffer.from(row!.Value, 'base64').toString()) }
}

/** Fails when two processes claimed to lead at the same moment, by what they printed. */
function neverTwo(...leaders: readonly LeaderProcess[]): void {
  const turns = leaders
    .flatMap(({ id, lines }) =>
      lines.filter(({ type }) => type === 'claims').map((line) => ({ id, ...line })),
    )
    .sort((a, b) => a.atMs - b.atMs || Number(a.claims) - Number(b.claims))
  const leading = new Set<string>()
  for (const { id, claims } of turns) {
    if (claims) leading.add(id)
    else leading.delete(id)
    ok(leading.size <= 1, JSON.stringify(turns))
  }
}

/** A wire to Consul that can go silent: nothing is refused, nothing arrives. */
async function wireTo(t: TestContext, consul: TestConsul): Promise<{ url: string; cut(): void }> {
  const sockets = new Set<Socket>()
  let cut = false
  const server = createServer((near) => {
    sockets.add(near.on('error', () => {}))
    if (cut) return
    const far = connect(consul.httpPort, '127.0.0.1').on('error', () => near.destroy())
    sockets.add(far)
    near.on('data', (chunk) => cut || far.write(chunk))
    far.on('data', (chunk) => cut || near.write(chunk))
    near.on('close', () => far.destroy())
    far.on('close', () => cut || near.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      cut = true
    },
  }
}

describe('an election', { concurrency: 3 }, () => {
  test('a session that Consul does not find for a moment, and has all the same, is ended by its operator', async (t) => {
    const consul = await consulFor(t)
    let forgets = false
    const proxy = await startFaultyProxy(consul.url, (_, path) => {
      const isForgotten = forgets && path.startsWith('/v1/session/renew/')
      if (isForgotten) forgets = false
      return isForgotten ? { status: 404, body: 'Session id not found' } : 'none'
    })
    t.after(() => proxy.close())
    const leader = await leaderFor(t, { consul: proxy.url, id: 'first' })
    await waitFor(() => leader.claims(), { what: 'it leading' })
    const { session } = await holder(consul)
    forgets = true
    const isEnded = () => proxy.requests.some((request) => request.includes(`/session/destroy/${session}`))
    await waitFor(isEnded, { what: 'its old session being ended' })
    const isTaken = async () => ![session, undefined].includes((await holder(consul)).session)
    await waitFor(isTaken, { what: 'the lock being held by its new session' })
    await waitFor(() => leader.claims(), { what: 'it leading again' })
  })

  test('nobody leads while Consul is away, and the leader leads again when it is back', async (t) => {
    const consul = await consulFor(t, { keepData: true })
    const first = await leaderFor(t, { consul: consul.url, id: 'first' })
    await waitFor(() => first.claims(), { what: 'the first one leading' })
    const second = await leaderFor(t, { consul: consul.url, id: 'second' })
    await waitFor(() => second.leader() === 'first', { what: 'the second one following' })
    await consul.kill()
    await waitFor(() => !first.claims(), { what: 'the leader giving up' })
    await consul.start()
    await waitFor(() => first.claims() || second.claims(), {
      what: 'somebody leading again',
    })
    neverTwo(first, second)
  })

  test('a Consul that comes back empty has a leader again, registered as before', async (t) => {
    const consul = await consulFor(t)
    const first = await leaderFor(t, { consul: consul.url, id: 'first' })
    await waitFor(() => first.claims(), { what: 'the first one leading' })
    await consul.kill()
    await waitFor(() => !first.claims(), { what: 'the leader giving up' })
    await consul.start()
    await waitFor(() => first.claims(), { what: 'it leading again' })
    const registered = async () =>
      ((await consul.request('GET', '/catalog/service/kongsul-operator')) as unknown[]).length === 1
    await waitFor(registered, { what: 'its registration' })
  })

  test('a session destroyed by hand makes its owner stop at once and leaves one leader', async (t) => {
    const consul = await consulFor(t)
    const first = await leaderFor(t, { consul: consul.url, id: 'first' })
    await waitFor(() => first.claims(), { what: 'the first one leading' })
    const second = await leaderFor(t, { consul: consul.url, id: 'second' })
    await waitFor(() => second.leader() === 'first', { what: 'the second one following' })
    const { session } = await holder(consul)
    await consul.request('PUT', `/session/destroy/${session}`)
    const gaveUp = () => first.lines.some(({ type, claims }) => type === 'claims' && claims === false)
    await waitFor(gaveUp, { deadlineMs: 15_000, what: 'the old leader giving up' })
    await waitFor(() => first.claims() || second.claims(), { what: 'somebody leading' })
    await waitFor(() => first.leader() !== null && first.leader() === second.leader(), { what: 'agreement' })
    neverTwo(first, second)
  })

  test('an operator restarted in place after kill -9 leads again within 3 s', async (t) => {
    const consul = await consulFor(t)
    const first = await leaderFor(t, { consul: consul.url, id: 'only' })
    await waitFor(() => first.claims(), { what: 'it leading' })
    await first.end('SIGKILL')
    const port = Number(first.address.split(':')[1])
    const again = await leaderFor(t, { consul: consul.url, id: 'only', port })
    await waitFor(() => again.claims(), { deadlineMs: 15_000, what: 'it leading again' })
  })

  test('an operator whose advertised address Consul cannot reach reports its health by itself and leads', async (t) => {
    const consul = await consulFor(t)
    const leader = await leaderFor(t, { consul: consul.url, id: 'only', advertise: '127.0.0.1:1' })
    const reporting = async () => {
      const checks = (await consul.request('GET', '/agent/checks')) as Record<string, { Type: string }>
      return checks['service:kongsul-operator-default-only']?.Type === 'ttl'
    }
    await waitFor(reporting, { what: 'a TTL check' })
    await waitFor(() => leader.claims(), { what: 'it leading' })
    const before = leader.lines.length
    equal((await holder(consul)).value.id, 'only')
    // The agent asks this server as often as it would go on to ask the address that it cannot reach.
    let asked = 0
    const server = http.createServer((_request, response) => response.end(String(++asked)))
    t.after(() => server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await consul.register({ Name: 'clock', Check: { HTTP: `http://127.0.0.1:${port}`, Interval: '1s' } })
    await waitFor(() => asked >= 5, { what: 'five rounds of checks' })
    const lost = leader.lines.slice(before).filter(({ type, claims }) => type === 'claims' && !claims)
    equal(lost.length, 0, 'it leads all the time')
  })

  test('two meshes on one Consul have a leader each', async (t) => {
    const consul = await consulFor(t)
    const [red, blue] = await Promise.all([
      leaderFor(t, { consul: consul.url, id: 'same', mesh: 'red' }),
      leaderFor(t, { consul: consul.url, id: 'same', mesh: 'blue' }),
    ])
    await waitFor(() => red.claims() && blue.claims(), { what: 'both leading' })
  })

  test('a leader cut off from Consul stops by its clock, and a follower leads within 25 s', async (t) => {
    const consul = await consulFor(t)
    const wire = await wireTo(t, consul)
    const first = await leaderFor(t, { consul: wire.url, id: 'first' })
    await waitFor(() => first.claims(), { what: 'the first one leading' })
    const second = await leaderFor(t, { consul: consul.url, id: 'second' })
    await waitFor(() => second.leader() === 'first', { what: 'the second one following' })
    wire.cut()
    await waitFor(() => !first.claims(), { deadlineMs: 15_000, what: 'the leader giving up' })
    await waitFor(() => second.claims(), { what: 'the takeover' })
    neverTwo(first, second)
  })
})

// Two operators on one Consul and one Kong: one writes, the other stands by and takes over.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type KongsulProcess, runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

interface Node {
  readonly process: KongsulProcess
  readonly url: string
}

let mesh: Mesh
const nodes: Node[] = []

before(async () => {
  mesh = await Mesh.start()
})
after(() => mesh.stop())

async function startOperator(): Promise<Node> {
  const node = await mesh.addOperator()
  nodes.push(node)
  return node
}

const statusOf = async ({ url }: Node) =>
  (await (await fetch(`${url}/api/v1/mesh/v2/status`)).json()) as {
    leading: boolean
    leader: { id: string } | null
    services: { service: string }[]
    pending: string[]
  }

/** The one that leads; waits until exactly one of `candidates` does. */
const leaderOf = (candidates: readonly Node[], deadlineMs: number) =>
  waitFor(
    async () => {
      const leading = await Promise.all(
        candidates.map(async (node) => ((await statusOf(node)).leading ? [node] : [])),
      )
      return leading.flat().length === 1 ? leading.flat()[0] : undefined
    },
    { what: 'one leader', deadlineMs },
  )

/** Registers a service and waits until the proxy serves it: somebody writes to Kong. */
async function somebodyWrites(base: string): Promise<void> {
  const service = mesh.service(base)
  const { name, port } = await mesh.startInstance(`${service}-1`)
  await mesh.register({ id: name, name: service, port })
  await mesh.waitLive(service)
}

test('of two operators one leads, the other is ready and serves reads', async () => {
  const first = await startOperator()
  const second = await startOperator()
  assert.equal(await leaderOf([first, second], 10_000), first)
  await somebodyWrites('one-leader')
  const standby = await waitFor(
    async () => {
      const status = await statusOf(second)
      return status.services.some(({ service }) => service === mesh.service('one-leader')) ? status : null
    },
    { what: 'the standby to see the service' },
  )
  assert.equal(standby.leading, false)
  assert.ok(standby.leader)
  assert.deepEqual(standby.pending, [], 'nothing waits for one that does not write')
})

test('what only the leader can do is done by it, whichever operator is asked', async () => {
  const [, second] = nodes as [Node, Node]
  const service = mesh.service('asked')
  await mesh.deploy(service, 1)
  const asked = { CONSUL_HTTP_ADDR: mesh.consul.url, KONGSUL_ADDR: second.url }
  const entity = `service/mesh.${service}`
  const done: [what: string, args: string[]][] = [
    ['pin', ['overrides', 'pin', entity, '--field', 'retries']],
    ['apply', ['apply', service]],
    ['release', ['overrides', 'release', entity]],
    ['pause', ['pause', service, '--for', '1m']],
    ['resume', ['resume', service]],
  ]
  for (const [what, args] of done) {
    const { code, stderr } = await runKongsul(args, asked)
    assert.equal(code, 0, `${what}: ${stderr}`)
  }
  // Refused by the leader in its own words: nothing to adopt under this name.
  const refused = await runKongsul(['adopt', 'service', `mesh.${service}`], asked)
  assert.match(refused.stderr, /409: service \S+ is kongsul's already/)
})

test('a leader killed with SIGKILL is followed within seconds and no request fails', async () => {
  const service = mesh.service('failover')
  await mesh.deploy(service, 3)
  const traffic = startTraffic({
    url: mesh.proxyUrl,
    headers: () => ({ host: `${service}.mesh` }),
    perSecond: 200,
  })
  const [first, second] = nodes as [Node, Node]
  await first.process.stop('SIGKILL')
  await leaderOf([second], 3_000 + 2_000) // promised within 3 s; the rest is slack for a loaded machine
  await somebodyWrites('after-kill')
  assert.deepEqual(describeFailures(await traffic.stop()), [])
})

test('a leader that stops gracefully is followed at once', async () => {
  const third = await startOperator()
  await nodes[1]!.process.stop('SIGTERM')
  await leaderOf([third], 1_000 + 2_000)
  await somebodyWrites('after-stop')
})

test('a leader that hangs is followed, and does not write when it wakes', async () => {
  const leader = nodes[2]!
  const fourth = await startOperator()
  process.kill(leader.process.pid, 'SIGSTOP')
  await leaderOf([fourth], 25_000)
  await somebodyWrites('while-hung')
  process.kill(leader.process.pid, 'SIGCONT')
  await waitFor(async () => (await statusOf(leader)).leader?.id === (await statusOf(fourth)).leader?.id, {
    what: 'the old leader to know the new one',
  })
  assert.equal((await statusOf(leader)).leading, false)
  assert.equal((await statusOf(fourth)).leading, true)
})

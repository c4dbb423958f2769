// Entries that a Consul is too old for: what it refuses itself, and a kind that the operator asks for and it does not know.
import { equal, match, ok, rejects } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'
import { resolver, VERSIONS } from '../unit/policy/build-policies.ts'

let stack: Stack
/** Before the real Consul: what it says about a kind that it never heard of, it says about splitters. */
let between: FaultyProxy
let isOld = false
const servers = new Map<string, EchoServer>()

const write = (entry: object) => stack.consul.request('PUT', '/config', entry)
const split = (first: number, rest: object = {}) =>
  write({
    Kind: 'service-splitter',
    Name: 'web',
    Splits: [
      { Weight: first, ServiceSubset: 'v1' },
      { Weight: 100 - first, ServiceSubset: 'v2', ...rest },
    ],
  })
const RESOLVER = resolver('web', { DefaultSubset: 'v1', ...VERSIONS })

/** Who answers ten requests. */
async function serving(): Promise<string> {
  const found = new Set<string>()
  for (let at = 0; at < 10; at++) {
    const answer = await fetch(`${stack.proxyUrl}/web/`)
    equal(answer.status, 200)
    const { port } = (await answer.json()) as { port: number }
    found.add([...servers].find(([, server]) => server.port === port)![0])
  }
  return [...found].sort().join()
}
const isServing = (who: string) => waitFor(async () => (await serving()) === who, { what: `${who} serving` })
const start = () => stack.startOperator({ consul: { url: between.url } })
const told = () =>
  stack
    .operator()
    .status()
    .problems.filter(({ code }) => /^(ENTR|SUBSET|SPLIT|INTENTION)/.test(code))
    .map(({ message }) => message)
    .join('\n')

before(async () => {
  stack = await startStack()
  between = await startFaultyProxy(stack.consul.url, (_method, path) =>
    isOld && path.startsWith('/v1/config/service-splitter')
      ? { path: path.replace('service-splitter', 'kind-of-later') }
      : 'none',
  )
  for (const version of ['v1', 'v2']) {
    const server = await startEchoServer()
    servers.set(version, server)
    const where = { Name: 'web', ID: `web-${version}`, Address: '127.0.0.1', Port: server.port }
    await stack.consul.register({ ...where, Meta: { version } })
  }
  await write({ Kind: 'service-defaults', Name: 'web', Protocol: 'http' })
  await write(RESOLVER)
  await split(50)
  await start()
  await isServing('v1,v2')
})
after(async () => {
  await stack.stop()
  await between.close()
  await Promise.all([...servers.values()].map((each) => each.close()))
})

test('a field or a kind that Consul refuses changes nothing', async () => {
  await rejects(split(90, { Colour: 'red' }), /invalid config key "Splits\[1\]\.Colour"/)
  await rejects(write({ ...RESOLVER, Weather: 'fine' }), /invalid config key "Weather"/)
  await rejects(write({ Kind: 'kind-of-later', Name: 'web' }), /invalid config entry kind/)
  await stack.settled()
  equal(await serving(), 'v1,v2')
  equal(told(), '')
})

test('a kind that Consul does not know any more stays as it was read last, and the reason is shown', async () => {
  isOld = true
  // Ends the read that waits: the next one is answered by the old Consul.
  await split(60)
  await waitFor(() => told().includes('service-splitter'), { what: 'the reason' })
  const reason =
    /entries of kind service-splitter cannot be read \(config\.list answered [45]00: .*invalid config entry kind: kind-of-later.*; this Consul is too old for entries of this kind\); those read last stay/
  match(told(), reason)
  const { stdout } = await runKongsul(['status'], { KONGSUL_ADDR: stack.operator().url })
  match(stdout, reason)
  match(stdout, /ENTRIES_UNREAD/)
  const explained = await runKongsul(['explain', 'http://web.mesh/'], { KONGSUL_ADDR: stack.operator().url })
  match(explained.stdout, /_split\.web\.mesh/)
  equal(await serving(), 'v1,v2')
})

test('an operator that starts with such a Consul goes on with the other kinds, and says so', async () => {
  await stack.stopOperator()
  await start()
  await isServing('v1')
  match(told(), /kind service-splitter cannot be read .*; none are used/)
  isOld = false
  await waitFor(() => told() === '', { what: 'the kind being read again', deadlineMs: 60_000 })
  await isServing('v1,v2')
  ok(stack.operator().status().ready)
})

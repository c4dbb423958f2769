// Consul and Kong answer rubbish every now and then: the operator goes on, throws nothing that nobody catches, and once the
// answers are good again Kong is what Consul says.
//   FUZZ_ANSWERS=500 FUZZ_SEED=7 npm test -- test/integration/odd-answers.test.ts   takes as many (npm run soak does)
import { deepEqual, ok } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type ChaosProxy, startChaosProxy } from '../support/chaos-proxy.ts'
import { oddAnswer } from '../support/odd-answers.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { waitFor } from '../support/wait-for.ts'

const ANSWERS = Number(process.env['FUZZ_ANSWERS'] ?? 30)
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261128)
/** Of the answers, percent. */
const ODD = 20
const SERVICES = ['odd-a', 'odd-b', 'odd-c']

let stack: Stack
let proxy: ChaosProxy | null = null
before(async () => {
  // People's entities in a shared Kong are not to be put at risk.
  stack = await startStack({ ownGateway: true })
})
afterEach(async () => {
  await stack.stopOperator()
  await proxy?.close()
  proxy = null
})
after(() => stack.stop())

for (const [what, targetOf, over] of [
  ['Consul', () => stack.consul.url, (url: string) => ({ consul: { url } })],
  // A value that Kong tells wrong looks like an edit of a person, which is kept unless the policy says otherwise.
  [
    'Kong',
    () => stack.adminUrl,
    (url: string) => ({ kong: { adminUrl: url }, overrides: { policy: 'revert' as const } }),
  ],
] as const) {
  test(`${ANSWERS} odd answers of ${what} end nothing, and then Kong is what Consul says`, async () => {
    const random = seededRandom(SEED)
    let isOdd = false
    let given = 0
    proxy = await startChaosProxy({
      targetUrl: targetOf(),
      chaosOf: () => ({ what: 'none' }),
      around: async (_, forward) => {
        const answered = await forward()
        if (!isOdd || !random.chance(ODD)) return answered
        given += 1
        return oddAnswer(answered, random)
      },
    })
    // An index that goes backwards after a failure looks like a Consul that lost its data: what is missing then is held.
    await stack.consul.setKey('mesh/defaults', { guard: { holdSeconds: 1 } })
    await stack.startOperator({ ...over(proxy.url), resync: { cron: '* * * * * *' } })
    isOdd = true
    const ports = new Map(SERVICES.map((name, at) => [name, 9_100 + 10 * at]))
    for (let step = 0; given < ANSWERS; step++) {
      const before = given
      const name = SERVICES[step % SERVICES.length]!
      const port = ports.get(name)!
      await stack.consul.register({ Name: name, ID: `${name}-1`, Address: '127.0.0.1', Port: port })
      const second = { Name: name, ID: `${name}-2`, Address: '127.0.0.1', Port: port + 1 + (step % 7) }
      await stack.consul.register(second)
      await stack.consul.setKey(`mesh/services/${name}`, { timeouts: { connectMs: 1_000 + (step % 50) } })
      await waitFor(() => given > before, { deadlineMs: 60_000, what: 'another odd answer' })
      if (step % 5 === 4) await stack.consul.deregister(`${name}-2`)
    }
    isOdd = false
    for (const [name, port] of ports) {
      await stack.consul.deregister(`${name}-2`)
      await stack.consul.register({ Name: name, ID: `${name}-1`, Address: '127.0.0.1', Port: port })
      await stack.consul.setKey(`mesh/services/${name}`, { timeouts: { connectMs: 777 } })
    }
    await waitFor(
      async () => {
        for (const [name, port] of ports) {
          deepEqual(await stack.weights(name), { [`127.0.0.1:${port}`]: 100 })
          const { status, body } = await stack.admin('GET', `/services/mesh.${name}`)
          deepEqual([status, body.connect_timeout, body.host], [200, 777, `${name}.mesh`])
          const { data } = (await stack.admin('GET', `/services/mesh.${name}/routes`)).body
          const hosts = data.flatMap((route: { hosts: string[] | null }) => route.hosts ?? [])
          deepEqual(hosts, [`${name}.mesh`])
        }
        const { consul, failing, pending } = stack.operator().status()
        deepEqual([consul.connected, failing, pending], [true, [], []])
        return true
      },
      { deadlineMs: 60_000, pollMs: 100, what: `Kong being what Consul says; FUZZ_SEED=${SEED}` },
    )
    ok(given >= ANSWERS)
  })
}

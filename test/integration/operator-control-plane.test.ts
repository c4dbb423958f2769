// A Kong of which the Admin API takes no health marks: the control plane of a hybrid one.
import { deepEqual, equal, match } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runKongsul } from '../support/kongsul-process.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

const TOKEN = 'only-for-tests'

let stack: Stack
before(async () => {
  stack = await startStack({ kongEnv: { KONG_ROLE: 'control_plane' } })
  await stack.startOperator({ feedToken: TOKEN })
  for (const at of [0, 1]) {
    await stack.consul.register({ Name: 'web', ID: `web-${at}`, Address: '127.0.0.1', Port: 9400 + at })
  }
  await weightsAre([100, 100])
})
after(() => stack.stop())

async function weights(): Promise<number[]> {
  const { body } = await stack.admin('GET', '/upstreams/web.mesh/targets')
  const rows: { target: string; weight: number }[] = body.data ?? []
  return rows.sort((a, b) => (a.target < b.target ? -1 : 1)).map(({ weight }) => weight)
}
const weightsAre = (wanted: readonly number[]) =>
  waitFor(async () => deepEqual(await weights(), wanted) ?? true, { what: `weights ${wanted}` })

async function tell(method: string, untilMs?: number): Promise<void> {
  const body = JSON.stringify({
    upstream: 'web.mesh',
    target: '127.0.0.1:9400',
    untilMs,
    owner: 'node-a',
    reason: 'answers 500',
  })
  const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
  const { status } = await fetch(`${stack.operator().url}/internal/ejections`, { method, headers, body })
  equal(status, 204)
}

test('an instance that a plugin process ejects loses its weight, and has it again when it is put back', async () => {
  const mark = '/upstreams/web.mesh/targets/127.0.0.1:9400/unhealthy'
  equal((await stack.admin('PUT', mark)).status, 404)
  await tell('POST', Date.now() + 600_000)
  await weightsAre([0, 100])
  deepEqual(stack.operator().status().overrides, [])
  const { body } = await stack.api('GET', `/explain?url=${encodeURIComponent('http://web.mesh/')}`)
  const [ejected] = body.targets as { weight: number; in: boolean; reason: string }[]
  deepEqual([ejected!.weight, ejected!.in], [0, false])
  match(ejected!.reason, /^ejected by the circuit breaker since \S+Z, until \S+Z: answers 500$/)
  const env = { KONGSUL_ADDR: stack.operator().url, CONSUL_HTTP_ADDR: stack.consul.url }
  const [asked, direct] = await Promise.all(
    [[], ['--direct']].map((more) =>
      runKongsul(['status', ...more], {
        ...env,
        KONG_ADMIN_URL: stack.adminUrl,
        KONGSUL_EXPOSE_DEFAULT: 'all',
      }),
    ),
  )
  for (const { stdout, stderr } of [asked!, direct!]) {
    equal(stderr, '')
    match(stdout, /web-0 +127\.0\.0\.1:9400 +EJECTED \(by the circuit breaker\) +0 /)
    match(stdout, /^Kong is as Consul says\.$/m)
  }
  await tell('DELETE')
  await weightsAre([100, 100])
})

test('an ejection that its process left behind ends by itself', async () => {
  await stack.consul.setKey('mesh/services/web', JSON.stringify({ circuitBreaker: { openSeconds: 1 } }))
  await tell('POST', Date.now() + 500)
  await weightsAre([0, 100])
  await weightsAre([100, 100])
})

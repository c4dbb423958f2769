import { equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, test } from 'node:test'
import { KongAdmin } from '../../../operator/kong/kong-admin.ts'
import { PassiveHealer } from '../../../operator/kong/passive-healer.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { createMetrics } from '../../../operator/telemetry/metrics.ts'
import { waitFor } from '../../support/wait-for.ts'

/** So many that a round takes half an hour: what is looked at soon was asked for. */
const MANY = 2_000
const TARGETS = ['10.0.0.1:80', '10.0.0.2:80']

let server: http.Server
let admin: KongAdmin
let ending: AbortController
let healer: PassiveHealer
let running: Promise<void>
/** `<upstream> <target>` that Kong has marked. */
const marked = new Set<string>()
const looks: string[] = []

beforeEach(async () => {
  marked.clear()
  looks.length = 0
  server = http.createServer((request, response) => {
    const [, , id = '', , target = '', health] = (request.url ?? '').split(/[/?]/).map(decodeURIComponent)
    if (health === 'healthy') marked.delete(`${id} ${target}`)
    else looks.push(id)
    const data = TARGETS.map((each) => ({
      target: each,
      health: marked.has(`${id} ${each}`) ? 'UNHEALTHY' : 'HEALTHY',
    }))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ data, next: null }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const metrics = createMetrics('0.0.0')
  const adminUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  admin = new KongAdmin({ adminUrl, timeoutMs: 2_000, parallel: 3 }, metrics)
  ending = new AbortController()
  const upstreams = new Map(
    Array.from({ length: MANY }, (_, i) => `u${i}`).map((id) => [
      id,
      { id, name: id, service: id, targets: new Map(TARGETS.map((each) => [each, `target/${each}`])) },
    ]),
  )
  healer = new PassiveHealer({
    ...{ admin, metrics, log: silentLogger },
    upstreams: () => upstreams,
    recoverMs: () => 2_000,
    isClaimed: () => false,
    ejectedUntilMs: () => null,
    readClaim: async () => false,
    isActive: () => true,
    onFailure: () => {},
    onMissing: () => {},
  })
  running = healer.run(ending.signal)
})
afterEach(async () => {
  ending.abort()
  await running
  admin.close()
  server.close()
})

test('one request that fails at every instance keeps none of them out', async () => {
  for (const target of TARGETS) marked.add(`u7 ${target}`)
  healer.failed('u7')
  await waitFor(async () => marked.size === 0, { what: 'both put back' })
})

test('however many requests fail, an upstream is not looked at for each', async () => {
  for (let i = 0; i < 1_000; i++) healer.failed('u7')
  await waitFor(async () => looks.includes('u7'), { what: 'a look' })
  healer.failed('u7')
  healer.failed('u8')
  await waitFor(async () => looks.includes('u8'), { what: 'a look at another' })
  equal(looks.filter((id) => id === 'u7').length, 1)
})

test('where requests fail everywhere Kong is not asked about everything at once', async () => {
  for (let i = 0; i < MANY; i++) healer.failed(`u${i}`)
  healer.poke('u1999')
  await waitFor(async () => looks.includes('u1999'), { what: 'a look that something else asked for' })
  ok(looks.length < 30)
})

// Health marks of one address of a host name, as Kong 3.9.1 was seen to have them with a DNS server of its own.
import { deepEqual, equal } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Gateway } from '../../kong/gateway/gateway.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { startTestGateway } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

const IPS = ['127.0.0.2', '127.0.0.3', '127.0.0.4']
let dns: DnsServer
let gateway: Gateway
let pools = 0
before(async () => {
  dns = await startDnsServer()
  gateway = await startTestGateway({ KONG_DNS_RESOLVER: dns.address })
})
after(async () => {
  await gateway?.close()
  await dns?.close()
})

async function admin(method: string, path: string, body?: object) {
  const answer = await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`, {
    method,
    ...(body ? { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) } : {}),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? null : JSON.parse(text) }
}

/** An upstream with one target at a name with three addresses. */
async function pool() {
  pools += 1
  const name = `pool-${pools}`
  const host = `multi-${pools}.test`
  dns.set(host, IPS)
  const unhealthy = { http_failures: 5 }
  await admin('PUT', `/upstreams/${name}`, { healthchecks: { passive: { unhealthy } } })
  await admin('POST', `/upstreams/${name}/targets`, { target: `${host}:19555` })
  const rows = async () => (await admin('GET', `/upstreams/${name}/health`)).body.data
  const health = async () => {
    const [row] = await rows()
    const addresses: { ip: string; port: number; health: string }[] = row.data?.addresses ?? []
    if (!Array.isArray(addresses)) return [row.health]
    return [row.health, ...addresses.map((each) => `${each.ip.at(-1)} ${each.health}`)]
  }
  await waitFor(async () => (await health()).length === 4, { what: 'the addresses' })
  return {
    host,
    health,
    mark: async (address: string, to = 'unhealthy') =>
      (await admin('PUT', `/upstreams/${name}/targets/${host}:19555/${address}/${to}`)).status,
    markAll: async (to: string) =>
      (await admin('PUT', `/upstreams/${name}/targets/${host}:19555/${to}`)).status,
    becomes: (ips: readonly string[]) => {
      dns.set(host, ips)
      return waitFor(async () => (await health()).length === 1 + ips.length, {
        what: `${ips.length} addresses`,
      })
    },
  }
}
const ALL_HEALTHY = ['HEALTHY', '2 HEALTHY', '3 HEALTHY', '4 HEALTHY']

test('one address is marked alone, and the name is healthy as long as one is', async () => {
  const { health, mark, markAll } = await pool()
  equal(await mark('127.0.0.2:19555'), 204)
  deepEqual(await health(), ['HEALTHY', '2 UNHEALTHY', '3 HEALTHY', '4 HEALTHY'])
  equal(await markAll('unhealthy'), 204)
  deepEqual(await health(), ['UNHEALTHY', '2 UNHEALTHY', '3 UNHEALTHY', '4 UNHEALTHY'])
  equal(await mark('127.0.0.3:19555', 'healthy'), 204)
  deepEqual(await health(), ['HEALTHY', '2 UNHEALTHY', '3 HEALTHY', '4 UNHEALTHY'])
  equal(await markAll('healthy'), 204)
  deepEqual(await health(), ALL_HEALTHY)
})

test('an address that the name does not have is marked without effect, and a name in its place is all of it', async () => {
  const { host, health, mark } = await pool()
  for (const address of ['127.0.0.9:19555', '127.0.0.2', '127.0.0.3:1', 'nonsense'])
    equal(await mark(address), 204, address)
  equal(await mark('127.0.0.2%3A19555'), 500, 'what is escaped is not unescaped')
  deepEqual(await health(), ALL_HEALTHY)
  equal(await mark(`${host}:19555`), 204)
  deepEqual((await health())[0], 'UNHEALTHY')
})

test('a mark goes with its address, and those of the others stay', async () => {
  const { health, mark, becomes } = await pool()
  for (const ip of ['127.0.0.2', '127.0.0.3', '127.0.0.5']) equal(await mark(`${ip}:19555`), 204)
  await becomes(['127.0.0.3', '127.0.0.4'])
  deepEqual(await health(), ['HEALTHY', '3 UNHEALTHY', '4 HEALTHY'])
  await becomes(['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'])
  deepEqual(await health(), ['HEALTHY', '2 HEALTHY', '3 UNHEALTHY', '4 HEALTHY', '5 HEALTHY'])
})

test('a name that does not resolve has no addresses', async () => {
  const { health, becomes } = await pool()
  await becomes([])
  deepEqual(await health(), ['DNS_ERROR'])
})

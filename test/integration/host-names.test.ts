// A target that is a host name with several addresses: each has a circuit and a health mark of its own.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { freePorts } from '../support/free-port.ts'
import { givenKong } from '../support/given-kong.ts'
import { type PluginMesh, startPluginMesh } from '../support/plugin-mesh.ts'
import { FEED_TOKEN } from '../support/plugin-server.ts'
import { describeFailures, startTraffic } from '../support/traffic.ts'
import { waitFor } from '../support/wait-for.ts'

const IPS = ['127.0.0.2', '127.0.0.3', '127.0.0.4'] as const
const PATIENT = { deadlineMs: 30_000 }

let dns: DnsServer
let mesh: PluginMesh
const servers: EchoServer[] = []
before(async () => {
  // Of a Kong that is given the test is the DNS server that it was started with.
  const { KONG_DNS_RESOLVER: resolver } = process.env
  const isGiven = resolver !== undefined && givenKong({ hasPlugins: true }) !== null
  dns = await startDnsServer(isGiven ? Number(resolver.split(':')[1]) : 0)
  mesh = await startPluginMesh({}, 'access_log', [], isGiven ? {} : { KONG_DNS_RESOLVER: dns.address })
})
after(async () => {
  await mesh?.stop()
  await dns?.close()
  await Promise.all(servers.map((server) => server.close()))
})

interface Named {
  readonly service: string
  readonly name: string
  readonly target: string
  readonly port: number
  /** By address. */
  readonly at: Readonly<Record<string, EchoServer>>
}

/** One instance at a name with three addresses, each with a server; routed, and all addresses known to the plugins. */
async function deployed(service: string, settings: object): Promise<Named> {
  const [port] = (await freePorts(1)) as [number]
  const started = await Promise.all(IPS.map((ip) => startEchoServer(port, ip)))
  servers.push(...started)
  const at = Object.fromEntries(IPS.map((ip, index) => [ip, started[index]!]))
  // Kong remembers for half a minute that a name does not resolve, also from an earlier run.
  const name = `${service}-${port}.test`
  dns.set(name, IPS)
  await mesh.consul.setKey(`mesh/services/${service}`, JSON.stringify(settings))
  await mesh.consul.register({
    Name: service,
    ID: `${service}-1`,
    Address: name,
    Port: port,
    Check: { TTL: '600s', Status: 'passing' },
  })
  const deployed = { service, name, target: `${name}:${port}`, port, at }
  await waitFor(async () => (await healthOf(deployed)).size === 3, { what: `the addresses of ${name}` })
  await waitFor(async () => (await mesh.get(service)).status === 200, { what: `${service} being routed` })
  return deployed
}

/** Of each address, as Kong has it. */
async function healthOf({ service }: Pick<Named, 'service'>): Promise<ReadonlyMap<string, string>> {
  const { body } = await mesh.admin('GET', `/upstreams/${service}.mesh/health`)
  const rows = (body.data ?? []) as { data?: { addresses?: { ip: string; health: string }[] | object } }[]
  const addresses = rows.flatMap(({ data }) => (Array.isArray(data?.addresses) ? data.addresses : []))
  return new Map(addresses.map(({ ip, health }) => [ip, health]))
}
const outOf = async (named: Named) =>
  [...(await healthOf(named))].filter(([, health]) => health === 'UNHEALTHY').map(([ip]) => ip)
const onlyOut = (named: Named, ips: readonly string[], what: string) =>
  waitFor(async () => String(await outOf(named)) === String(ips), { what, ...PATIENT })

interface Row {
  readonly service: string
  readonly target: string | null
  readonly address: string | null
  readonly instance_id: string | null
  readonly state: string
}
async function circuitsOf(service: string): Promise<readonly Row[]> {
  const answer = await fetch(`${mesh.operator().url}/api/v1/mesh/v2/circuits?service=${service}`)
  return ((await answer.json()) as { circuits: Row[] }).circuits
}
const ejectedOf = async (service: string) =>
  (await circuitsOf(service)).filter(({ state }) => state === 'ejected')
const claimsOf = async (service: string): Promise<readonly string[]> => {
  const answer = await fetch(`${mesh.consul.url}/v1/kv/mesh/ejections/${service}.mesh/?keys`)
  return answer.status === 404 ? [] : ((await answer.json()) as string[])
}
const claim = (method: string, { service }: Named, target: string, untilMs: number) =>
  fetch(`${mesh.operator().url}/internal/ejections`, {
    method,
    headers: { authorization: `Bearer ${FEED_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      upstream: `${service}.mesh`,
      target,
      owner: 'a node that died',
      untilMs,
      addresses: 3,
    }),
  })
const mark = async ({ service, target, port }: Named, ip: string) => {
  const path = `/upstreams/${service}.mesh/targets/${target}/${ip}:${port}/unhealthy`
  equal((await mesh.admin('PUT', path)).status, 204)
}

test('of a name with three addresses the one that fails is ejected alone, and comes back when it is mended', async () => {
  const named = await deployed('shop', { circuitBreaker: { openSeconds: 5, backoff: { jitter: 0 } } })
  const bad = named.at['127.0.0.3']!
  const others = [named.at['127.0.0.2']!, named.at['127.0.0.4']!]
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/shop/`, perSecond: 40 })
  try {
    await waitFor(() => [bad, ...others].every(({ seen }) => seen.length > 5), { what: 'traffic' })
    bad.behave({ status: 500 })
    await onlyOut(named, ['127.0.0.3'], 'the ejection')
    const outMs = traffic.nowMs()
    await waitFor(async () => (await ejectedOf('shop')).length === 1, { what: 'its circuit' })
    const [{ target, address, instance_id } = {} as Row] = await ejectedOf('shop')
    deepEqual([target, address, instance_id], [named.target, `127.0.0.3:${named.port}`, 'shop-1'])
    const key = `mesh/ejections/shop.mesh/${named.target}@127.0.0.3:${named.port}`
    await waitFor(async () => String(await claimsOf('shop')) === key, { what: 'its claim' })
    const explained = await mesh.api('GET', '/explain?url=http://shop.mesh/')
    match(JSON.stringify(explained.body), /127\.0\.0\.3:\d+ of it is ejected by the circuit breaker/)
    const before = others.map(({ seen }) => seen.length)
    await waitFor(() => others.every(({ seen }, index) => seen.length > before[index]! + 5), {
      what: 'the others serving',
    })
    bad.behave({})
    await onlyOut(named, [], 'the return')
    const seen = bad.seen.length
    await waitFor(() => bad.seen.length > seen + 10, { what: 'its share of the requests' })
    await waitFor(
      async () => (await ejectedOf('shop')).length === 0 && (await claimsOf('shop')).length === 0,
      {
        what: 'nothing being left of it',
      },
    )
    const failed = traffic.shots.filter(({ status }) => status !== 200)
    ok(failed.length >= 5)
    deepEqual(describeFailures(failed.filter(({ sentMs }) => sentMs > outMs + 500)), [])
  } finally {
    await traffic.stop()
  }
})

test('an ejected address that the name has no more is forgotten, and one that is new is judged', async () => {
  const named = await deployed('moved', { circuitBreaker: { openSeconds: 600 } })
  const bad = named.at['127.0.0.3']!
  bad.behave({ status: 500 })
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/moved/`, perSecond: 40 })
  try {
    await onlyOut(named, ['127.0.0.3'], 'the ejection')
    await waitFor(async () => (await claimsOf('moved')).length === 1, { what: 'its claim' })
    const fresh = await startEchoServer(named.port, '127.0.0.5')
    servers.push(fresh)
    fresh.behave({ status: 500 })
    dns.set(named.name, ['127.0.0.2', '127.0.0.4', '127.0.0.5'])
    await onlyOut(named, ['127.0.0.5'], 'the ejection of the new one')
    await waitFor(
      async () => {
        const addresses = (await ejectedOf('moved')).map(({ address }) => address)
        return String(addresses) === `127.0.0.5:${named.port}` && (await claimsOf('moved')).length === 1
      },
      { what: 'the first being forgotten', ...PATIENT },
    )
    // Kong has forgotten its mark; its time was not over.
    dns.set(named.name, IPS)
    await onlyOut(named, ['127.0.0.3'], 'the first being out again')
  } finally {
    await traffic.stop()
  }
})

test('an address that a dead process left ejected is put back, and no other', async () => {
  const named = await deployed('left', { circuitBreaker: { openSeconds: 1 } })
  const kept = `${named.target}@127.0.0.2:${named.port}`
  const left = `${named.target}@127.0.0.4:${named.port}`
  equal((await claim('POST', named, kept, Date.now() + 600_000)).status, 204)
  equal((await claim('POST', named, left, Date.now() + 500)).status, 204)
  await mark(named, '127.0.0.2')
  await mark(named, '127.0.0.4')
  await onlyOut(named, ['127.0.0.2'], 'the return of the one')
  equal((await claim('DELETE', named, kept, 0)).status, 204)
  await onlyOut(named, [], 'the return of the other')
})

test('what Kong itself has marked of a name is put back', async () => {
  const named = await deployed('refused', { healthChecks: { passive: { recoverSeconds: 1 } } })
  await named.at['127.0.0.4']!.close()
  const traffic = startTraffic({ url: `${mesh.proxyUrl}/refused/`, perSecond: 20 })
  try {
    await onlyOut(named, ['127.0.0.4'], 'the mark')
    servers.push(await startEchoServer(named.port, '127.0.0.4'))
    await onlyOut(named, [], 'the return')
  } finally {
    await traffic.stop()
  }
})

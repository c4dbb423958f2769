// A Consul that answers wrongly, partly or not at all: nothing changes in Kong because of it, and what comes after is seen.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { type Fault, type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
let proxy: FaultyProxy
let kong: FaultyProxy | null = null
let faultOf: (method: string, path: string) => Fault = () => 'none'
const seen: { readonly path: string; readonly atMs: number }[] = []
before(async () => {
  stack = await startStack()
  proxy = await startFaultyProxy(stack.consul.url, (method, path) => {
    seen.push({ path, atMs: performance.now() })
    return faultOf(method, path)
  })
  for (const at of [1, 2]) await register('web', at)
})
afterEach(async () => {
  faultOf = () => 'none'
  await stack.stopOperator()
  await kong?.close()
  kong = null
})
after(async () => {
  await proxy.close()
  await stack.stop()
})

const start = () => stack.startOperator({ consul: { url: proxy.url } })
const status = () => stack.operator().status()
const register = (name: string, at: number) =>
  stack.consul.register({ Name: name, ID: `${name}-${at}`, Address: '127.0.0.1', Port: 9500 + at })
const count = async (service: string) => Object.keys(await stack.weights(service)).length
const targetsBecome = (service: string, expected: number) =>
  waitFor(async () => (await count(service)) === expected, { what: `${expected} targets of ${service}` })
const isRead = (path: string) => path.startsWith('/v1/health/') || path.startsWith('/v1/catalog/')
const isReadOf = (service: string) => (path: string) => path.startsWith(`/v1/health/service/${service}`)
const doubt = () => waitFor(() => status().consul.error, { what: 'doubt' })
const recovered = () => waitFor(() => status().consul.connected, { what: 'no doubt' })
let next = 0
/** Consul tells of something new, so that what waits for it is answered. */
const wake = async () => {
  next += 1
  await register(`wake-${next}`, 100 + next)
  return `wake-${next}`
}

for (const answer of [403, 404, 400]) {
  test(`a ${answer} for one service is doubt about that service alone`, async () => {
    const [bad, good] = [`bad-${answer}`, `good-${answer}`]
    await register(bad, answer)
    await start()
    await targetsBecome(bad, 1)
    faultOf = (_, path) => (isReadOf(bad)(path) ? { status: answer, body: 'no' } : 'none')
    await register(bad, answer + 200)
    await register(good, answer + 100)
    await targetsBecome(good, 1)
    const problem = await waitFor(() => status().problems.find(({ code }) => code === 'SERVICE_NOT_READ'))
    equal(problem.service, bad)
    match(problem.message, new RegExp(`answered ${answer}`))
    equal(status().consul.connected, true)
    equal(await count(bad), 1)
    faultOf = () => 'none'
    await targetsBecome(bad, 2)
    await waitFor(() => status().problems.every(({ code }) => code !== 'SERVICE_NOT_READ'))
  })
}

test('a service that cannot be read when the operator starts stays in Kong as it is, the others are applied', async () => {
  await start()
  await targetsBecome('web', 2)
  await stack.stopOperator()
  faultOf = (_, path) => (isReadOf('web')(path) ? { status: 404 } : 'none')
  await register('late', 1)
  kong = await startFaultyProxy(stack.adminUrl, () => 'none')
  await stack.startOperator({ consul: { url: proxy.url }, kong: { adminUrl: kong.url } })
  await targetsBecome('late', 1)
  await stack.operator().resync()
  await stack.settled()
  equal(await count('web'), 2)
  equal((await stack.admin('GET', '/routes/mesh.web.host')).status, 200)
  const plan = await fetch(`${stack.operator().url}/api/v1/mesh/v2/plan`)
  deepEqual(((await plan.json()) as { counts: object }).counts, { create: 0, update: 0, delete: 0 })
  await register('web', 3)
  faultOf = () => 'none'
  await targetsBecome('web', 3)
  const ids = await Promise.all(
    ['/upstreams/web.mesh', '/services/mesh.web', '/routes/mesh.web.host', '/routes/mesh.web.path'].map(
      async (path) => (await stack.admin('GET', path)).body.id as string,
    ),
  )
  const isOfWeb = (request: string) => ids.some((id) => request.includes(id))
  deepEqual(
    kong.requests.filter((request) => request.startsWith('DELETE') && isOfWeb(request)),
    [],
  )
  await stack.consul.deregister('web-3')
  await targetsBecome('web', 2)
})

test('a service that the token may no longer read is empty in one list and still in the other: it stays', async () => {
  await start()
  faultOf = (_, path) =>
    isReadOf('web')(path)
      ? {
          status: 200,
          headers: { 'x-consul-index': '999999', 'content-type': 'application/json' },
          body: '[]',
        }
      : 'none'
  await register('web', 4)
  const problem = await waitFor(() => status().problems.find(({ code }) => code === 'SERVICE_NOT_READ'))
  match(problem.message, /the token may lack service "web" read/)
  equal(await count('web'), 2)
  faultOf = () => 'none'
  await targetsBecome('web', 3)
  await stack.consul.deregister('web-4')
  await targetsBecome('web', 2)
})

test('services that vanish as the token begins to see only a part stay, and the status names the permission', async () => {
  await start()
  let names: Record<string, string[]> = {}
  names = (await stack.consul.request('GET', '/catalog/services')) as typeof names
  const rest = Object.fromEntries(Object.entries(names).filter(([name]) => name !== 'web'))
  faultOf = (_method, path) =>
    path.startsWith('/v1/catalog/services')
      ? {
          status: 200,
          headers: {
            'x-consul-index': '999999',
            'x-consul-results-filtered-by-acls': 'true',
            'content-type': 'application/json',
          },
          body: JSON.stringify(rest),
        }
      : 'none'
  await stack.consul.register({ Name: 'api', ID: 'api-1', Address: '127.0.0.1', Port: 9599 })
  match(await doubt(), /the token sees .* no more: it lacks service_prefix "" read/)
  equal(await count('web'), 2)
  faultOf = () => 'none'
  await recovered()
})

const faults: [what: string, fault: Fault, message: RegExp][] = [
  ['500', { status: 500, body: 'rpc error' }, /answered 500: rpc error/],
  ['no cluster leader', { status: 500, body: 'No cluster leader' }, /No cluster leader/],
  ['a server that knows no leader', { headers: { 'x-consul-knownleader': 'false' } }, /knows no leader/],
  ['a server that lags behind', { headers: { 'x-consul-lastcontact': '60000' } }, /60000 ms ago/],
  ['a cut connection', 'cut', /catalog|health/],
  [
    'a catalog without even the service consul',
    { status: 200, headers: { 'content-type': 'application/json', 'x-consul-index': '7' }, body: '{}' },
    /does not even have the service "consul"/,
  ],
]
for (const [what, fault, message] of faults) {
  test(`${what}: nothing is taken away, and what came meanwhile is seen afterwards`, async () => {
    await start()
    await stack.settled()
    const isOfNames = what.startsWith('a catalog')
    faultOf = (_, path) =>
      (isOfNames ? path.startsWith('/v1/catalog/services') : isRead(path)) ? fault : 'none'
    const fresh = await wake()
    match(await doubt(), message)
    equal(await count('web'), 2)
    equal(status().held.length, 0)
    faultOf = () => 'none'
    await recovered()
    await targetsBecome(fresh, 1)
    equal(await count('web'), 2)
  })
}

test('blocking queries that a proxy cuts lose no change', async () => {
  await start()
  await stack.settled()
  let cuts = 0
  faultOf = (_, path) => (/[?&]index=/.test(path) && cuts++ % 2 === 0 ? 'drop' : 'none')
  for (const at of [1, 2, 3]) {
    await register('cut', at)
    await targetsBecome('cut', at)
  }
  ok(cuts > 0)
  equal(await count('web'), 2)
})

test('429 with Retry-After: Consul is left alone for as long as it asks, nothing changes', async () => {
  await start()
  await stack.settled()
  faultOf = (_, path) => (isRead(path) ? { status: 429, headers: { 'retry-after': '2' } } : 'none')
  await wake()
  match(await doubt(), /answered 429/)
  const from = performance.now()
  const tries = () => seen.filter(({ path, atMs }) => path.startsWith('/v1/catalog/services') && atMs >= from)
  await waitFor(() => tries().length >= 2, { what: 'two more tries' })
  const [one, two] = tries()
  ok(two!.atMs - one!.atMs >= 1900, `${two!.atMs - one!.atMs} ms`)
  equal(await count('web'), 2)
  faultOf = () => 'none'
  await recovered()
})

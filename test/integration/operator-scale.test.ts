import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { inParallel } from '../../operator/consul/in-parallel.ts'
import { percentile } from '../bench/figure.ts'
import { type AdminProxy, isWrite, startAdminProxy } from '../support/admin-proxy.ts'
import { type BulkCatalog, type BulkInstance, bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { churn, expectedTargets } from '../support/churn.ts'
import { lagsOf, writesByTarget } from '../support/churn-lag.ts'
import { connectionsTo } from '../support/connections.ts'
import { runKongsul } from '../support/kongsul-process.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const SERVICES = 500
const INSTANCES = 3

let mesh: Mesh
let catalog: BulkCatalog
let proxy: AdminProxy
let instances: readonly BulkInstance[]
before(async () => {
  mesh = await Mesh.start()
  proxy = await startAdminProxy(mesh.adminUrl)
  catalog = bulkCatalog(mesh.consul.url)
  instances = meshOf(SERVICES, INSTANCES, { nameOf: (n) => mesh.service(`s${n}`) })
  await catalog.registerAll(instances)
  // Without the periodic resync: what is counted is the first sync and the changes.
  await mesh.startOperator({ KONG_ADMIN_URL: proxy.url, KONGSUL_RESYNC_CRON: '0 0 1 1 *' })
})
after(async () => {
  catalog.close()
  await mesh.stop()
  await proxy.close()
})

/** Targets of every service as Kong has them, in the form of expectedTargets. */
async function targetsInKong(): Promise<Record<string, Record<string, boolean>>> {
  const names = [...new Set(instances.map(({ service }) => service))]
  const lists = await inParallel(names, 8, (name) => mesh.targets(name))
  return Object.fromEntries(
    names.map((name, at) => [
      name,
      Object.fromEntries(lists[at]!.map(({ target, weight }) => [target, weight > 0])),
    ]),
  )
}

test('an operator that is ready has everything in Kong, by 4 writes and one per instance for each service', async () => {
  // What Kong is, which plugins it has and when its certificates end is asked once.
  const once = ['/', '/status', '/certificates', '/clustering/data-planes']
  const aboutKong = ({ path }: { readonly path: string }) =>
    once.includes(path) || path.startsWith('/schemas/')
  const calls = proxy.calls.filter((call) => !aboutKong(call))
  deepEqual(await targetsInKong(), Object.fromEntries(expectedTargets(instances)))
  // Beside them there are Consul itself and the operator in the catalog.
  const allowed = (SERVICES + 2) * (4 + INSTANCES)
  const writes = calls.filter(isWrite).length
  ok(writes <= allowed, `${writes} writes`)
  const callers = ['/consumers', '/jwts', '/key-auths', '/acls']
  const tls = ['/snis', '/ca_certificates']
  const pages = new Set(['/upstreams', '/services', '/routes', '/plugins', ...callers, ...tls])
  const reads = calls.filter((call) => !isWrite(call) && !call.path.endsWith('/health'))
  const others = reads.filter(({ path }) => !pages.has(path)).map(({ path }) => path)
  deepEqual(others, [], 'reads of single entities')
  ok(reads.length <= 2 * pages.size, `${reads.length} reads`)
})

// Short ones, for a renewal of the session or a burst of reads, are closed after a second.
test('it holds at most ten long-lived connections to Consul', async () => {
  const isFew = () => {
    const count = connectionsTo(mesh.operator.pid, mesh.consul.httpPort)
    return count <= 10 || Promise.reject(new Error(`${count} connections`))
  }
  await waitFor(isFew, { what: 'few connections' })
})

test('a plan made then is empty', async () => {
  const env = {
    CONSUL_HTTP_ADDR: mesh.consul.url,
    KONG_ADMIN_URL: mesh.adminUrl,
    KONGSUL_MESH: mesh.name,
    KONGSUL_EXPOSE_DEFAULT: 'all',
  }
  const { code, stdout, stderr } = await runKongsul(['plan'], env)
  equal(code, 0, stdout + stderr)
})

/** Of a machine that is busy with other work as well; bench.md has what it takes by itself. */
const SLOWEST_P99_MS = 15_000

test('of 100 changes a second for a minute nothing is missed, each costs 1.5 writes at most, and lag does not grow', async (t) => {
  proxy.takeCalls()
  const result = await churn(instances, { catalog, perSecond: 100, seconds: 60, seed: 1 })
  const expected = Object.fromEntries(expectedTargets(result.instances))
  await waitFor(async () => deepEqual(await targetsInKong(), expected) ?? true, {
    pollMs: 500,
    deadlineMs: 90_000,
    what: 'Kong being equal to Consul',
  })
  const calls = proxy.takeCalls()
  const writes = calls.filter(isWrite).length
  ok(writes <= 1.5 * result.changes.length, `${writes} writes for ${result.changes.length} changes`)
  const written = writesByTarget(calls)
  const lagOf = (changes: typeof result.changes, percent: number) =>
    percentile(
      lagsOf(mesh.name, changes, written).filter((lag) => lag !== null),
      percent,
    )
  const byTime = result.changes.toSorted((one, other) => one.madeMs - other.madeMs)
  const half = Math.floor(byTime.length / 2)
  const [first, second] = [byTime.slice(0, half), byTime.slice(half)].map((each) => lagOf(each, 99))
  t.diagnostic(
    `${result.changes.length} changes: p50 ${lagOf(byTime, 50).toFixed(0)} ms, p99 of the first half ${first!.toFixed(0)} ms, ` +
      `of the second ${second!.toFixed(0)} ms; ${(writes / result.changes.length).toFixed(2)} writes for each`,
  )
  ok(second! <= SLOWEST_P99_MS, `p99 ${second} ms`)
})

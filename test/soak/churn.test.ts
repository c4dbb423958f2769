// A mesh that changes without end: 100,000 changes, and then what the operator keeps is what it kept after the first 5,000.
//   SOAK_SERVICES=500 SOAK_CHANGES=20000 SOAK_PER_SECOND=300 npm run soak -- test/soak/churn.test.ts   is done sooner
//   SOAK_WRITE=1 ...   writes docs/soak/churn-<services>.svg
import { deepEqual, ok } from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inParallel } from '../../operator/consul/in-parallel.ts'
import { percentile } from '../bench/figure.ts'
import { type AdminProxy, isWrite, startAdminProxy } from '../support/admin-proxy.ts'
import { type BulkCatalog, type BulkInstance, bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { churn, expectedTargets } from '../support/churn.ts'
import { lagsOf, writesByTarget } from '../support/churn-lag.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'
import { linesPlot } from './lines.ts'

const SERVICES = Number(process.env['SOAK_SERVICES'] ?? 2_000)
const INSTANCES = 3
const FIRST = 5_000
const CHANGES = Number(process.env['SOAK_CHANGES'] ?? 100_000)
const PER_SECOND = Number(process.env['SOAK_PER_SECOND'] ?? 100)
/** However many services there are, and busy the machine is. */
const FIRST_SYNC_MS = 600_000
const DOCS = join(import.meta.dirname, '..', '..', 'docs')
/** How much more memory may be in use. */
const MOST = 1.1

const folder = mkdtempSync(join(tmpdir(), 'kongsul-soak-'))
let mesh: Mesh
let catalog: BulkCatalog
let proxy: AdminProxy
let instances: readonly BulkInstance[]
before(async () => {
  mesh = await Mesh.start()
  catalog = bulkCatalog(mesh.consul.url)
  instances = meshOf(SERVICES, INSTANCES, { nameOf: (n) => mesh.service(`s${n}`) })
  await catalog.registerAll(instances)
  const report = join(import.meta.dirname, '..', 'bench', 'gc-report.mjs')
  proxy = await startAdminProxy(mesh.adminUrl)
  const env = { KONG_ADMIN_URL: proxy.url, NODE_OPTIONS: `--import=${report}`, GC_REPORT_DIR: folder }
  await mesh.startOperator(env, FIRST_SYNC_MS)
})
after(async () => {
  catalog?.close()
  await mesh?.stop()
  await proxy?.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What the operator uses when all garbage is collected. */
async function memory(): Promise<NodeJS.MemoryUsage> {
  const { pid } = mesh.operator
  const file = join(folder, `${pid}.json`)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  await waitFor(() => existsSync(file), { deadlineMs: 30_000, what: 'the collection' })
  return JSON.parse(readFileSync(file, 'utf8')) as NodeJS.MemoryUsage
}

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`

/** Services of which Kong holds other targets than Consul says, and which. */
async function differing(): Promise<string[]> {
  const expected = [...expectedTargets(instances)]
  const lists = await inParallel(expected, 8, ([service]) => mesh.targets(service))
  return expected.flatMap(([service, wanted], at) => {
    const held = lists[at]!.map(({ target, weight }) => `${target} ${weight > 0}`).sort()
    const asked = Object.entries(wanted).map(([target, isUp]) => `${target} ${isUp}`)
    return held.join() === asked.sort().join() ? [] : [`${service}: ${held}; Consul says ${asked}`]
  })
}

/** What the operator says of itself and of these services, and what it logged beside what it applied. */
async function whatIsKnown(differences: readonly string[]): Promise<string> {
  const ask = async (query: string) =>
    await fetch(`${mesh.apiUrl}/api/v1/mesh/v2/status?${query}`).then((answer) => answer.text(), String)
  const services = differences.slice(0, 3).map((each) => each.split(':')[0]!)
  const lines = mesh.operator.output().split('\n')
  const told = lines.filter((line) => services.some((service) => line.includes(service)))
  const rest = lines.filter((line) => !/"message":"applied"/.test(line))
  const known = await Promise.all(
    ['services=false', ...services.map((service) => `service=${service}`)].map(ask),
  )
  return [...known, ...told.slice(-10), ...rest.slice(-60)].join('\n')
}

/**
 * Every service has its instances again, those that pass first: a mesh that grows would need more memory by right, and of
 * a service that nobody passes in it is a matter of settings what Kong holds.
 */
async function evened(
  churned: readonly BulkInstance[],
  step: number,
): Promise<{ readonly instances: readonly BulkInstance[]; readonly changes: number }> {
  const services = new Map<string, BulkInstance[]>()
  for (const each of churned) services.set(each.service, [...(services.get(each.service) ?? []), each])
  const even = [...services.values()].map((all) => {
    const kept = all.toSorted((one, other) => rank(one) - rank(other)).slice(0, INSTANCES)
    const more = Array.from({ length: INSTANCES - kept.length }, (_, n) => {
      const id = `${kept[0]!.service}-even-${step}-${n}`
      // No address twice: of two instances there Kong has one target.
      return { ...kept[0]!, id, port: 10_000 + step * INSTANCES + n, check: 'passing' as const }
    })
    return { kept, more, rest: all.filter((each) => !kept.includes(each)) }
  })
  await inParallel(
    even.flatMap(({ rest }) => rest),
    8,
    (each) => catalog.deregister(each),
  )
  await inParallel(
    even.flatMap(({ more }) => more),
    8,
    (each) => catalog.register(each),
  )
  return {
    instances: even.flatMap(({ kept, more }) => [...kept, ...more]),
    changes: even.reduce((sum, { more, rest }) => sum + more.length + rest.length, 0),
  }
}

const rank = ({ check }: BulkInstance) => (check === 'passing' ? 0 : 1)

/** Of one step. */
interface Seen {
  /** From Consul to Kong, ms. */
  readonly p50: number
  readonly p99: number
  /** Of Kong's Admin API, for each change. */
  readonly writes: number
  /** Percent of a core. */
  readonly cores: number
  /** When all garbage is collected, MiB. */
  readonly heap: number
  readonly rss: number
}

function writePlot(seen: readonly Seen[]): void {
  const of = (what: string, unit: string, name: keyof Seen) => ({
    ...{ what, unit },
    values: seen.map((each) => each[name]),
  })
  const title = `${PER_SECOND} changes a second over ${SERVICES} services x ${INSTANCES}`
  const steps = seen.map((_, step) => (step + 1) * FIRST)
  const plot = linesPlot(title, steps, [
    of('Consul -> Kong, p50', 'ms', 'p50'),
    of('Consul -> Kong, p99', 'ms', 'p99'),
    of('Admin writes per change', '', 'writes'),
    of('processor', '% of a core', 'cores'),
    of('heap after collection', 'MiB', 'heap'),
    of('resident memory', 'MiB', 'rss'),
  ])
  mkdirSync(join(DOCS, 'soak'), { recursive: true })
  writeFileSync(join(DOCS, 'soak', `churn-${SERVICES}.svg`), plot)
}

test(`memory after ${CHANGES} changes is that after ${FIRST}, and nothing is missed`, async (t) => {
  const steps = Math.ceil(CHANGES / FIRST)
  const used: NodeJS.MemoryUsage[] = []
  const seen: Seen[] = []
  const cpuOf = async () =>
    Number(
      /process_cpu_seconds_total(?:\{[^}]*\})? ([\d.]+)/.exec(
        await (await fetch(`${mesh.apiUrl}/metrics`)).text(),
      )?.[1],
    )
  for (let step = 0; step < steps; step++) {
    const startedMs = performance.now()
    const cpu = await cpuOf()
    const seconds = FIRST / PER_SECOND
    proxy.takeCalls()
    const result = await churn(instances, { catalog, perSecond: PER_SECOND, seconds, seed: 10 * step })
    const tookS = (performance.now() - startedMs) / 1000
    const cores = ((await cpuOf()) - cpu) / tookS
    const { instances: even, changes: evenings } = await evened(result.instances, step)
    instances = even
    await waitFor(async () => deepEqual(await differing(), []) ?? true, {
      deadlineMs: 120_000,
      pollMs: 500,
      what: 'Kong being equal to Consul',
    }).catch(async (error: unknown) => {
      t.diagnostic(await whatIsKnown(await differing()))
      throw error
    })
    const now = await memory()
    used.push(now)
    const calls = proxy.takeCalls()
    const lags = lagsOf(mesh.name, result.changes, writesByTarget(calls)).filter((lag) => lag !== null)
    seen.push({
      p50: percentile(lags, 50),
      p99: percentile(lags, 99),
      writes: calls.filter(isWrite).length / (result.changes.length + evenings),
      cores: 100 * cores,
      heap: (now.heapUsed + now.external) / 2 ** 20,
      rss: now.rss / 2 ** 20,
    })
    const { p50, p99, writes } = seen.at(-1)!
    t.diagnostic(
      `${(step + 1) * FIRST} changes, ${(result.changes.length / tookS).toFixed(0)}/s: heap ${mib(now.heapUsed)}, outside of it ${mib(now.external)}, ` +
        `RSS ${mib(now.rss)}, ${(100 * cores).toFixed(0)} % of a core, Consul -> Kong p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, ` +
        `${writes.toFixed(2)} writes for each, ${instances.length} instances`,
    )
  }
  if (process.env['SOAK_WRITE']) writePlot(seen)
  const [first, last] = [used[0]!, used.at(-1)!].map(({ heapUsed, external }) => heapUsed + external)
  ok(last! <= MOST * first!, `${mib(last!)} after ${CHANGES} changes, ${mib(first!)} after ${FIRST}`)
})

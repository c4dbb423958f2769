// A mesh that changes without end: 100,000 changes, and then what the operator keeps is what it kept after the first 5,000.
//   SOAK_CHANGES=20000 SOAK_PER_SECOND=300 npm run soak -- test/soak/churn.test.ts   is done sooner
import { deepEqual, ok } from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { inParallel } from '../../operator/consul/in-parallel.ts'
import { type BulkCatalog, type BulkInstance, bulkCatalog, meshOf } from '../support/bulk-catalog.ts'
import { churn, expectedTargets } from '../support/churn.ts'
import { Mesh } from '../support/mesh.ts'
import { waitFor } from '../support/wait-for.ts'

const SERVICES = 500
const INSTANCES = 3
const FIRST = 5_000
const CHANGES = Number(process.env['SOAK_CHANGES'] ?? 100_000)
const PER_SECOND = Number(process.env['SOAK_PER_SECOND'] ?? 100)
/** How much more memory may be in use. */
const MOST = 1.1

const folder = mkdtempSync(join(tmpdir(), 'kongsul-soak-'))
let mesh: Mesh
let catalog: BulkCatalog
let instances: readonly BulkInstance[]
before(async () => {
  mesh = await Mesh.start()
  catalog = bulkCatalog(mesh.consul.url)
  instances = meshOf(SERVICES, INSTANCES, { nameOf: (n) => mesh.service(`s${n}`) })
  await catalog.registerAll(instances)
  const report = join(import.meta.dirname, '..', 'bench', 'gc-report.mjs')
  await mesh.startOperator({
    NODE_OPTIONS: `--import=${report}`,
    GC_REPORT_DIR: folder,
  })
})
after(async () => {
  catalog?.close()
  await mesh?.stop()
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
async function evened(churned: readonly BulkInstance[], step: number): Promise<readonly BulkInstance[]> {
  const services = new Map<string, BulkInstance[]>()
  for (const each of churned) services.set(each.service, [...(services.get(each.service) ?? []), each])
  const even = [...services.values()].map((all) => {
    const kept = all.toSorted((one, other) => rank(one) - rank(other)).slice(0, INSTANCES)
    const more = Array.from({ length: INSTANCES - kept.length }, (_, n) => {
      const id = `${kept[0]!.service}-even-${step}-${n}`
      return { ...kept[0]!, id, port: 10_000 + n, check: 'passing' as const }
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
  return even.flatMap(({ kept, more }) => [...kept, ...more])
}

const rank = ({ check }: BulkInstance) => (check === 'passing' ? 0 : 1)

test(`memory after ${CHANGES} changes is that after ${FIRST}, and nothing is missed`, async (t) => {
  const steps = Math.ceil(CHANGES / FIRST)
  const used: NodeJS.MemoryUsage[] = []
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
    const result = await churn(instances, { catalog, perSecond: PER_SECOND, seconds, seed: 10 * step })
    const tookS = (performance.now() - startedMs) / 1000
    instances = await evened(result.instances, step)
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
    t.diagnostic(
      `${(step + 1) * FIRST} changes, ${(result.changes.length / tookS).toFixed(0)}/s: heap ${mib(now.heapUsed)}, outside of it ${mib(now.external)}, ` +
        `RSS ${mib(now.rss)}, ${((100 * ((await cpuOf()) - cpu)) / tookS).toFixed(0)} % of a core, ${instances.length} instances`,
    )
  }
  const [first, last] = [used[0]!, used.at(-1)!].map(({ heapUsed, external }) => heapUsed + external)
  ok(last! <= MOST * first!, `${mib(last!)} after ${CHANGES} changes, ${mib(first!)} after ${FIRST}`)
})

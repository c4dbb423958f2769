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

async function differing(): Promise<string[]> {
  const expected = [...expectedTargets(instances)]
  const lists = await inParallel(expected, 8, ([service]) => mesh.targets(service))
  return expected
    .filter(([, wanted], at) => {
      const held = lists[at]!.map(({ target, weight }) => `${target} ${weight > 0}`).sort()
      const asked = Object.entries(wanted).map(([target, isUp]) => `${target} ${isUp}`)
      return held.join() !== asked.sort().join()
    })
    .map(([service]) => service)
}

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
    instances = result.instances.slice(0, SERVICES * INSTANCES)
    // More come than go: a mesh that grows would need more memory by right.
    await inParallel(result.instances.slice(instances.length), 8, (each) => catalog.deregister(each))
    await waitFor(async () => deepEqual(await differing(), []) ?? true, {
      deadlineMs: 120_000,
      pollMs: 500,
      what: 'Kong being equal to Consul',
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

// `npm run bench [-- NAME ...]`: measures, prints, writes docs/bench.json, docs/bench.md and its plots when everything ran.
// `--compare RUN` also tells what is worse than in that run; `--compare RUN RUN` compares two and measures nothing;
// `--docs` writes the docs of docs/bench.json anew.
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { breaker } from './breaker.ts'
import { call } from './call.ts'
import { churn } from './churn.ts'
import { comparedLines, compareRuns } from './compare.ts'
import { configure } from './configure.ts'
import { discover } from './discover.ts'
import { type StoredRun, writeBenchDocs } from './docs.ts'
import { failover } from './failover.ts'
import { features } from './features.ts'
import { type Figure, isFailure, type Part } from './figure.ts'
import { follow } from './follow.ts'
import { grey } from './grey.ts'
import { outage } from './outage.ts'
import { outcomes } from './outcomes.ts'
import { parallel } from './parallel.ts'
import { planning } from './planning.ts'
import { pluginFaults } from './plugin-faults.ts'
import { pluginServer } from './plugin-server.ts'
import { propagation } from './propagation.ts'
import { proxy } from './proxy.ts'
import { markdown } from './report.ts'
import { scale } from './scale.ts'
import { takeover } from './takeover.ts'
import { traces } from './traces.ts'

const PARTS: readonly Part[] = [
  call,
  configure,
  discover,
  breaker,
  follow,
  failover,
  features,
  grey,
  outcomes,
  planning,
  pluginFaults,
  pluginServer,
  propagation,
  proxy,
  scale,
  churn,
  parallel,
  outage,
  takeover,
  traces,
]

const stored = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as StoredRun
/** Prints what is worse. @returns whether anything is */
function isWorse(before: StoredRun['parts'], after: StoredRun['parts']): boolean {
  const rows = compareRuns(before, after)
  for (const line of comparedLines(rows)) console.error(line)
  return rows.some(({ isRegression }) => isRegression)
}

const args = process.argv.slice(2)
if (args[0] === '--docs') {
  writeBenchDocs(stored(join(import.meta.dirname, '..', '..', 'docs', 'bench.json')))
  process.exit(0)
}
const at = args.indexOf('--compare')
const files = at < 0 ? [] : args.splice(at).slice(1)
if (at >= 0 && (files.length === 0 || files.length > 2)) {
  console.error('--compare comes last and takes the file of one earlier run, or of two: docs/bench.json')
  process.exit(64)
}
if (files.length === 2) process.exit(isWorse(stored(files[0]!).parts, stored(files[1]!).parts) ? 1 : 0)
// Read now: a whole run writes docs/bench.json.
const earlier = files[0] === undefined ? null : stored(files[0])

const named = args
const unknown = named.filter((name) => !PARTS.some((part) => part.name === name))
if (unknown.length > 0) {
  console.error(
    `no part ${unknown.join(', ')}; there are:\n${PARTS.map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`,
  )
  process.exit(64)
}

const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
const results = new Map<string, readonly Figure[]>()
for (const part of PARTS) {
  if (named.length > 0 && !named.includes(part.name)) continue
  console.error(`${part.name}: ${part.about}`)
  results.set(part.name, await part.run((line) => console.error(`  ${line}`)))
}
const table = markdown(results, machine)
console.log(table)
if (named.length === 0) writeBenchDocs({ machine, parts: Object.fromEntries(results) })
const failed = [...results.values()].flat().filter(isFailure)
for (const { what } of failed) console.error(`ratio too high: ${what}`)
const isRegression = earlier !== null && isWorse(earlier.parts, Object.fromEntries(results))
process.exitCode = failed.length > 0 || isRegression ? 1 : 0

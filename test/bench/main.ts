// `npm run bench [-- NAME ...]`: measures, prints, writes docs/bench.json and docs/bench.md when everything ran.
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { breaker } from './breaker.ts'
import { call } from './call.ts'
import { churn } from './churn.ts'
import { configure } from './configure.ts'
import { discover } from './discover.ts'
import { failover } from './failover.ts'
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
  grey,
  outcomes,
  planning,
  pluginFaults,
  pluginServer,
  propagation,
  scale,
  churn,
  parallel,
  outage,
  takeover,
  traces,
]

const named = process.argv.slice(2)
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
if (named.length === 0) {
  const docs = join(import.meta.dirname, '..', '..', 'docs')
  mkdirSync(docs, { recursive: true })
  writeFileSync(join(docs, 'bench.md'), table)
  writeFileSync(
    join(docs, 'bench.json'),
    `${JSON.stringify({ machine, parts: Object.fromEntries(results) }, null, 2)}\n`,
  )
}
const failed = [...results.values()].flat().filter(isFailure)
for (const { what } of failed) console.error(`ratio too high: ${what}`)
process.exitCode = failed.length > 0 ? 1 : 0

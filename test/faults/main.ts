// `npm run test:faults [-- NAME ...] [--write]`: runs faults, prints the table, writes docs/faults.md and docs/faults.json when all
// ran, or the rows that ran when --write asks for it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { CONSUL_FAULTS } from './consul-faults.ts'
import type { Row } from './fault.ts'
import { INSTANCE_FAULTS } from './instance-faults.ts'
import { KONG_FAULTS } from './kong-faults.ts'
import { MACHINE_FAULTS } from './machine-faults.ts'
import { OPERATOR_FAULTS } from './operator-faults.ts'
import { PLUGIN_FAULTS } from './plugin-faults.ts'
import { markdown } from './report.ts'
import { runFault } from './run-fault.ts'

const FAULTS = [
  ...INSTANCE_FAULTS,
  ...CONSUL_FAULTS,
  ...KONG_FAULTS,
  ...OPERATOR_FAULTS,
  ...PLUGIN_FAULTS,
  ...MACHINE_FAULTS,
]
const DOCS = join(import.meta.dirname, '..', '..', 'docs')

const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith('-'))
const isKnown = (arg: string) => arg === '--write' || FAULTS.some(({ name }) => name === arg)
const unknown = args.filter((arg) => !isKnown(arg))
if (unknown.length > 0) {
  const all = FAULTS.map(({ name, what }) => `  ${name}: ${what}`).join('\n')
  console.error(`no fault ${unknown.join(', ')}; there are, beside --write:\n${all}`)
  process.exit(64)
}

const chosen = FAULTS.filter(({ name }) => named.length === 0 || named.includes(name))
const rows: Row[] = []
const wrecked: string[] = []
for (const [at, each] of chosen.entries()) {
  const head = `${at + 1}/${chosen.length} ${each.name}`
  const say = (what: string) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${head}: ${what}`)
  }
  try {
    const row = await runFault(each, say)
    rows.push(row)
    const { notRun, result } = row
    const said =
      result === null
        ? `not run: ${notRun}`
        : `${result.failed} failed of ${result.sent}${result.broken.map((what) => `; ${what}`).join('')}`
    process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[2K' : ''}${head}: ${said}\n`)
  } catch (error) {
    wrecked.push(each.name)
    process.stderr.write(`\n${head}: ${(error as Error).stack}\n`)
  }
}
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
console.log(markdown(rows, machine))
if (named.length === 0 || args.includes('--write')) {
  const file = join(DOCS, 'faults.json')
  const before: { rows: Row[] } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { rows: [] }
  const all = FAULTS.map(({ name, what, peers = '', because = '' }): Row => {
    const isIt = (row: Row) => row.name === name
    const unmeasured = {
      name,
      what,
      peers,
      because,
      date: '',
      gateway: '',
      notRun: 'not measured yet',
      result: null,
    }
    const known = rows.find(isIt) ?? before.rows.find(isIt)
    return known === undefined ? unmeasured : { ...known, what, peers, because }
  })
  writeFileSync(file, `${JSON.stringify({ machine, rows: all }, null, 2)}\n`)
  writeFileSync(join(DOCS, 'faults.md'), markdown(all, machine))
}
const broken = rows.filter(({ result }) => (result?.broken ?? []).length > 0)
process.exitCode = broken.length + wrecked.length > 0 ? 1 : 0

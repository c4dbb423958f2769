import type { Command } from 'commander'
import type { PlanReport } from '../../core/plan-report.ts'
import { callOperator } from '../call-operator.ts'
import { CliError } from '../cli-error.ts'
import { addConfigOptions, commandConfig, DECIDING } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { planExitCode, planLines } from '../plan-report.ts'

interface PlanOptions {
  readonly catalog?: string
  readonly actual?: string
  readonly direct?: boolean
  readonly output?: string
}

const HELP = `
Offline, JSON or YAML. FILE of --catalog is {"services": {NAME: [rows of /v1/health/service/NAME]}, "kv": {KEY: document}}.
FILE of --actual is {"upstreams": [], "targets": [], "services": [], "routes": [], "plugins": []} with Kong's own rows, or
a declarative file of Kong.

The running operator is asked (KONGSUL_ADDR, KONGSUL_TOKEN_FILE); it reads Kong anew for the answer. Only when none
answers, Consul and Kong are read from here, and that is said. "= held" waits because too much happened at once.

Exit codes:
  0  nothing to do
  1  an error
  2  there are changes

Examples:
  kongsul plan
  kongsul plan -o json | jq '.changes[] | select(.action == "delete")'
  kongsul plan --catalog consul.json --actual kong.json`

/** `kongsul plan`: what the operator would change in Kong now. */
export function definePlan(command: Command): void {
  command
    .description('Shows what would change in Kong, as a table or as JSON. Changes nothing.')
    .option('--catalog <file>', 'take Consul from this file; needs --actual')
    .option('--actual <file>', 'take Kong from this file; needs --catalog')
    .option('--direct', 'do not ask the operator, read Consul and Kong')
    .addHelpText('after', HELP)
    .action(async (options: PlanOptions) => {
      const io = ioOf(options)
      const report = await plan(options, io.note)
      if (io.format === 'json') io.json(report)
      else for (const line of planLines(report, io)) io.print(line)
      process.exitCode = planExitCode(report)
    })
  addOutputOption(command)
  addConfigOptions(command, DECIDING)
}

async function plan(
  { catalog, actual, direct, ...flags }: PlanOptions,
  note: (line: string) => void,
): Promise<PlanReport> {
  const config = commandConfig(flags)
  if (catalog !== undefined || actual !== undefined) {
    if (catalog === undefined || actual === undefined) {
      throw new CliError('FILE_MISSING', {
        tried: 'planning offline',
        answer: `only ${catalog === undefined ? '--actual' : '--catalog'} was given`,
        remedy: 'give both --catalog FILE and --actual FILE',
      })
    }
    const { planOffline } = await import('../plan-offline.ts')
    return planOffline(catalog, actual, config.operator)
  }
  if (!direct) {
    const answer = await callOperator<PlanReport>(config, 'GET', '/plan')
    if (answer !== null) return answer
    const expose = config.operator.expose ?? 'tagged'
    note(`no operator answers at ${config.addr}: reading Consul and Kong directly`)
    note(
      `an operator that runs with other settings than these plans otherwise: expose.default is ${expose} here`,
    )
  }
  const { readMesh } = await import('../read-mesh.ts')
  return (await readMesh(config.operator)).plan
}

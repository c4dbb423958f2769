import type { Command } from 'commander'
import { addConfigOptions, commandConfig, DECIDING } from '../config-options.ts'
import { ejectedCircuits } from '../ejected-circuits.ts'
import { readOperatorStatus, readReadiness } from '../operator-client.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { readMesh } from '../read-mesh.ts'
import { type StatusReport, statusLines, statusReport } from '../status-report.ts'

interface StatusOptions {
  readonly direct?: boolean
  readonly output?: string
}

const HELP = `
WEIGHT is the weight in Kong; "0 -> 100" means that Kong has 0 and Consul says 100. HEALTH is Consul's word, or EJECTED
and PROBING where the circuit breaker keeps an instance out that Consul calls healthy: the lines below say why.
With the operator down, Consul and Kong are read directly, and that is said.

Exit codes:
  0  printed
  1  an error

Examples:
  kongsul status
  KONGSUL_ADDR=http://operator:8080 KONGSUL_TOKEN_FILE=token kongsul status -o json`

/** `kongsul status`: services, instances, health, weights. */
export function defineStatus(command: Command): void {
  command
    .description('Shows services, instances, their health, and the weight that Kong gives them.')
    .option('--direct', 'do not ask the operator, read Consul and Kong')
    .addHelpText('after', HELP)
    .action(async ({ direct, ...options }: StatusOptions) => {
      const io = ioOf(options)
      const config = commandConfig(options)
      const asked = direct ? null : await readOperatorStatus(config, io.note)
      const report = asked ?? (await read(config))
      if (io.format === 'json') io.json(report)
      else for (const line of statusLines(report, io)) io.print(line)
    })
  addOutputOption(command)
  addConfigOptions(command, DECIDING)
}

async function read(config: ReturnType<typeof commandConfig>): Promise<StatusReport> {
  const [reading, readiness] = await Promise.all([
    readMesh(config.operator),
    readReadiness(config).catch(() => null),
  ])
  const circuits = ejectedCircuits(reading.ejections, reading.desired.services)
  return statusReport(reading.desired, reading.actual, reading.diff, readiness, circuits)
}

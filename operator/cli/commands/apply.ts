import type { Command } from 'commander'
import type { ApplyResult } from '../../sync/apply-now.ts'
import { applyLines } from '../apply-lines.ts'
import { applyOnce } from '../apply-once.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

interface Options {
  readonly once?: boolean
  readonly output?: string
}

const HELP = `
Asks the running operator to read Kong and to apply what differs, at once: also what it waits to try again, and what it
no longer creates because somebody kept removing it. With --once no operator is needed: this process takes its part,
applies once what differs, and ends; of other services than SERVICE nothing is written.

Exit codes:
  0  Kong is as Consul says
  1  something could not be applied, is paused, or an error

Examples:
  kongsul apply
  kongsul apply web
  kongsul apply --once
  kongsul apply --once web`

/** `kongsul apply [SERVICE]`. */
export function defineApply(command: Command): void {
  command
    .description('Applies what differs between Consul and Kong, now.')
    .argument('[service]', 'Consul service; without one all')
    .option('--once', 'without a running operator: apply once, and end')
    .addHelpText('after', HELP)
    .action(async (service: string | undefined, { once, ...options }: Options) => {
      const io = ioOf(options)
      const config = commandConfig(options)
      const result = once
        ? await applyOnce(config.operator, { service: service ?? null, note: io.note })
        : await callOperator<ApplyResult>(config, 'POST', '/apply', service === undefined ? {} : { service })
      if (result === null) throw operatorDown(config, 'applying (kongsul apply --once needs none)')
      if (io.format === 'json') io.json(result)
      else for (const line of applyLines(result)) io.print(line)
      const failed = result.changes.some((change) => change.result === 'failed')
      if (failed || result.pending.length > 0) process.exitCode = 1
    })
  addOutputOption(command)
  addConfigOptions(command, [...ASKING, ...['consul', 'kong', 'mesh', 'hostSuffix', 'expose', 'overrides']])
}

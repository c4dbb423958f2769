import type { Command } from 'commander'
import { addConfigOptions, commandConfig } from '../config-options.ts'
import { type DrainOptions, drain } from '../drain.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

const HELP = `
The instance gets Consul's maintenance mode, the operator gives it weight 0, Kong sends it nothing new, and requests
under way end as they would have. The command waits until Kong shows weight 0.

Exit codes:
  0  drained (or put back, with --undo)
  1  an error, or Kong did not follow in time

Examples:
  kongsul drain web-1 --reason "kernel update"
  kongsul drain web/web-1 --undo
  kongsul drain web-1 --deregister`

/** `kongsul drain INSTANCE`. */
export function defineDrain(command: Command): void {
  command
    .description('Takes one instance out without losing a request, by Consul maintenance mode.')
    .argument('<instance>', 'Consul service id, or service/id')
    .option('--reason <text>', 'reason that Consul shows', 'drained by kongsul')
    .option('--undo', 'end the maintenance and wait until Kong gives it weight again')
    .option('--deregister', 'remove it from Consul once Kong has weight 0')
    .option('--node <name>', 'node, where an id is used on several')
    .option('--timeout <seconds>', 'how long Kong may take to follow', '30')
    .option('--force', 'also when no other instance of the service is left')
    .addHelpText('after', HELP)
    .action(async (name: string, options: DrainOptions & Record<string, unknown> & { output?: string }) => {
      const io = ioOf(options)
      const result = await drain(commandConfig(options), name, options, io.note)
      if (io.format === 'json') io.json(result)
      else io.print(result.message)
    })
  addOutputOption(command)
  addConfigOptions(command, ['addr', 'consul', 'kong', 'mesh', 'hostSuffix'])
}

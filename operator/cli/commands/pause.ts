import type { Command } from 'commander'
import { WHOLE_MESH } from '../../core/pause.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { type PauseState, pause, pauseLine, resume } from '../set-pause.ts'
import { whoAmI } from '../who-am-i.ts'

interface PauseOptions {
  readonly for: string
  readonly reason: string
  readonly output?: string
}

const PAUSE_HELP = `
A paused service is decided and reported as ever (kongsul plan, kongsul status), and nothing of it is written to Kong:
an instance that fails keeps its weight. The pause is in Consul's KV, holds every operator, survives their restarts and
ends by itself.

Exit codes:
  0  paused
  1  an error

Examples:
  kongsul pause web --for 30m --reason "debugging timeouts"
  kongsul pause --for 2h                 the whole mesh`

const RESUME_HELP = `
What was held back is applied at once.

Exit codes:
  0  resumed, or was not paused
  1  an error

Examples:
  kongsul resume web
  kongsul resume                         the whole mesh`

/** `kongsul pause [SERVICE]`. */
export function definePause(command: Command): void {
  command
    .description('Stops writing to Kong, for one service or for the whole mesh, for a while.')
    .argument('[service]', 'Consul service; without one the whole mesh')
    .option('--for <duration>', 'how long: 90s, 30m, 1h30m, 2d', '1h')
    .option('--reason <text>', 'shown wherever the pause is', '')
    .addHelpText('after', PAUSE_HELP)
    .action(async (service: string | undefined, options: PauseOptions) => {
      const io = ioOf(options)
      const { for: lasts, reason } = options
      const wish = { service: service ?? WHOLE_MESH, for: lasts, reason, by: whoAmI() }
      print(await pause(commandConfig(configOptions(options)), wish, io.note), options)
    })
  finish(command)
}

/** `kongsul resume [SERVICE]`. */
export function defineResume(command: Command): void {
  command
    .description('Ends a pause.')
    .argument('[service]', 'Consul service; without one the pause of the whole mesh')
    .addHelpText('after', RESUME_HELP)
    .action(async (service: string | undefined, options: PauseOptions) => {
      const io = ioOf(options)
      print(await resume(commandConfig(configOptions(options)), service ?? WHOLE_MESH, io.note), options)
    })
  finish(command)
}

function finish(command: Command): void {
  addOutputOption(command)
  addConfigOptions(command, [...ASKING, 'consul'])
}

function print(state: PauseState, options: { readonly output?: string }): void {
  const io = ioOf(options)
  if (io.format === 'json') io.json(state)
  else io.print(pauseLine(state))
}

const configOptions = ({ for: _, reason: __, ...rest }: PauseOptions): Record<string, unknown> => rest

import type { Command } from 'commander'
import { begin } from '../begin.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { openEvents } from '../event-source.ts'
import { addOutputOption } from '../output-option.ts'

const HELP = `
Prints one line for each event until Ctrl-C; with -o json one JSON object a line.

Exit codes:
  0  the operator has ended it
  1  an error

Examples:
  kongsul events
  kongsul events -o json | jq 'select(.event == "breaker")'`

/** `kongsul events`. */
export function defineEvents(command: Command): void {
  command.description('What happens in the mesh, as it happens: writes, health, breakers, overrides, alerts.')
  command.addHelpText('after', HELP)
  command.action(async (options: { output?: string }) => {
    const { config, io } = begin(options)
    if (io.isTTY && io.format === 'text') io.note(io.paint.dim('waiting for events; Ctrl-C ends it'))
    for await (const { event, data } of openEvents(config, '/events', 'listening for events')) {
      if (io.format === 'json') io.print(JSON.stringify({ event, data: JSON.parse(data) as unknown }))
      else io.print(`${event.padEnd(9)} ${data}`)
    }
  })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

import { type Command, InvalidArgumentError } from 'commander'
import type { Tapped } from '../../metrics/outcome-tap.ts'
import { begin } from '../begin.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { openEvents } from '../event-source.ts'
import { isKnown } from '../is-known.ts'
import { addOutputOption } from '../output-option.ts'
import { tapLine } from '../tap-line.ts'

const HELP = `
Prints one line for each request when it has ended, until Ctrl-C; with -o json one JSON object a line. Every request is
seen, whether its trace is kept or not. Where they come faster than they are read, some are left out and counted.

Exit codes:
  0  done: --count was reached, or the operator has ended it
  1  an error

Examples:
  kongsul tap web
  kongsul tap web --status 5xx --instance web-2
  kongsul tap web -o json --count 100 | jq .duration`

interface Options {
  readonly output?: string
  readonly status?: string
  readonly instance?: string
  readonly count?: number
}

/** `kongsul tap SERVICE`. */
export function defineTap(command: Command): void {
  command.description('Requests to a service and what became of them, as they end.')
  command.argument('<service>')
  command.option('--status <status>', 'only these: 503, or a class, 5xx')
  command.option('--instance <id>', 'only of this instance: its id in Consul, or host:port')
  command.option('--count <n>', 'end after so many', count)
  command.addHelpText('after', HELP)
  command.action(async (service: string, options: Options) => {
    const { config, io } = begin(options)
    const query = new URLSearchParams({ service })
    if (options.status !== undefined) query.set('status', options.status)
    if (options.instance !== undefined) query.set('instance', options.instance)
    if (io.isTTY && io.format === 'text')
      io.note(io.paint.dim(`waiting for requests to ${service}; Ctrl-C ends it`))
    if (!(await isKnown(service, config)))
      io.note(`No service ${service} is in the catalog; waiting for it to come and be asked.`)
    let left = options.count ?? Number.POSITIVE_INFINITY
    for await (const { event, data } of openEvents(config, `/outcomes?${query}`, 'looking at requests')) {
      if (event === 'missed') {
        io.note(`${(JSON.parse(data) as { missed: number }).missed} were left out: they come too fast`)
        continue
      }
      io.print(io.format === 'json' ? data : tapLine(JSON.parse(data) as Tapped, io.paint))
      left--
      if (left <= 0) break
    }
  })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1.')
  return Number(text)
}

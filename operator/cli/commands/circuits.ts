import type { Command } from 'commander'
import type { CircuitRow } from '../../sync/list-circuits.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { circuitLines } from '../circuit-lines.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'

interface Options {
  readonly output?: string
}

interface Done {
  readonly service: string
  readonly mode: string
  readonly overridden_by: string | null
}

/** What people say, the mode that Consul KV gets, and what it means. */
const ACTIONS = [
  ['open', 'forced_open', 'refuses every request'],
  ['close', 'forced_closed', 'lets every request through'],
  ['auto', 'auto', 'lets the breaker decide'],
] as const

const HELP = `
Lists what the plugins say of the circuits of services and instances. open, close and auto set circuitBreaker.mode of the
service in Consul KV, for every Kong; the rest of its document stays as it is. A mode that somebody has set on the plugin
in Kong comes first until it is released: see kongsul overrides.

Exit codes:
  0  done
  1  an error

Examples:
  kongsul circuits
  kongsul circuits -o json
  kongsul circuits open web           nothing passes to web
  kongsul circuits auto web           the breaker decides again`

/** `kongsul circuits [open|close|auto SERVICE]`. */
export function defineCircuits(command: Command): void {
  command.description('Circuits of services and instances: lists them, forces them open or closed.')
  command.addHelpText('after', HELP)
  const list = command.command('list', { isDefault: true }).description('Lists the circuits.')
  list.action(async (options: Options) => {
    const { config, io } = begin(options)
    const answer = await callOperator<{ circuits: CircuitRow[] }>(config, 'GET', '/circuits')
    if (answer === null) throw operatorDown(config, 'listing circuits')
    if (io.format === 'json') io.json(answer)
    else for (const line of circuitLines(answer.circuits, io, Date.now())) io.print(line)
  })
  const actions = ACTIONS.map(([name, mode, meaning]) => {
    const action = command.command(name).description(`${meaning[0]!.toUpperCase()}${meaning.slice(1)}.`)
    action.argument('<service>')
    action.action(async (service: string, options: Options) => {
      const { config, io } = begin(options)
      const path = `/circuits/${encodeURIComponent(service)}`
      const done = await callOperator<Done>(config, 'PUT', path, { mode })
      if (done === null) throw operatorDown(config, `setting the mode of ${service}`)
      if (io.format === 'json') io.json(done)
      else {
        io.print(`${service}: mode ${done.mode}, ${meaning}.`)
        const byHand = done.overridden_by
        if (byHand !== null && byHand !== done.mode) {
          io.print(
            `In Kong somebody has set ${byHand} on its plugin, which comes first: kongsul overrides shows and releases it.`,
          )
        }
      }
    })
    return action
  })
  for (const each of [list, ...actions]) {
    each.helpOption('-h, --help', 'print help')
    addOutputOption(each)
    addConfigOptions(each, ASKING)
  }
}

function begin(options: Options) {
  return { config: commandConfig({ ...options }), io: ioOf(options) }
}

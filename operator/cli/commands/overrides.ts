import type { Command } from 'commander'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { type OverrideRow, overrideLines } from '../override-lines.ts'

interface Options {
  readonly field?: string
  readonly output?: string
}

interface Done {
  readonly kind: string
  readonly name: string
  readonly fields: readonly string[]
}

const HELP = `
A field that somebody edits through Kong's Admin API is kept as it was edited, and listed here. "release" gives it back
to Consul. "pin" keeps a field before it is edited. ENTITY is an id, a name, or kind/name.
"pin ENTITY --field health" on a target leaves a mark made by hand in Kong as it is.

Exit codes:
  0  done
  1  an error

Examples:
  kongsul overrides list
  kongsul overrides release mesh.web
  kongsul overrides release service/mesh.web --field read_timeout
  kongsul overrides pin web.mesh --field algorithm`

/** `kongsul overrides list|release|pin`. */
export function defineOverrides(command: Command): void {
  command.description('Fields edited in Kong by hand: lists them, gives them back, pins them.')
  command.addHelpText('after', HELP)
  const list = command
    .command('list', { isDefault: true })
    .description('Lists the fields that were edited by hand and are kept.')
  list.action(async (options: Options) => {
    const { config, io } = begin(options)
    const answer = await callOperator<{ overrides: OverrideRow[] }>(config, 'GET', '/overrides')
    if (answer === null) throw operatorDown(config, 'listing overrides')
    if (io.format === 'json') io.json(answer)
    else for (const line of overrideLines(answer.overrides, io)) io.print(line)
  })
  const release = command
    .command('release')
    .description('Gives fields of an entity back to Consul: they become what it says, at once.')
    .argument('<entity>')
  release.option('--field <path>', 'only this field, e.g. read_timeout')
  release.action(async (entity: string, options: Options) => {
    const { config, io } = begin(options)
    const { field } = options
    const query = field === undefined ? '' : `?field=${encodeURIComponent(field)}`
    const done = await callOperator<Done>(config, 'DELETE', `${pathOf(entity)}${query}`)
    if (done === null) throw operatorDown(config, `releasing ${entity}`)
    if (io.format === 'json') io.json(done)
    else io.print(`${done.kind} ${done.name}: ${done.fields.join(', ')} given back to Consul.`)
  })
  const pin = command
    .command('pin')
    .description('Keeps a field of an entity as it is, before it is edited.')
    .argument('<entity>')
  pin.requiredOption('--field <path>', 'the field, e.g. read_timeout')
  pin.action(async (entity: string, options: Options) => {
    const { config, io } = begin(options)
    const done = await callOperator<Done>(config, 'PUT', pathOf(entity), { field: options.field })
    if (done === null) throw operatorDown(config, `pinning ${entity}`)
    if (io.format === 'json') io.json(done)
    else io.print(`${done.kind} ${done.name}: ${done.fields.join(', ')} is yours until you release it.`)
  })
  for (const each of [list, release, pin]) {
    each.helpOption('-h, --help', 'print help')
    addOutputOption(each)
    addConfigOptions(each, ASKING)
  }
}

const pathOf = (entity: string): string => `/overrides/${encodeURIComponent(entity)}`

function begin({ field: _, ...options }: Options) {
  return { config: commandConfig(options), io: ioOf(options) }
}

import { Argument, type Command } from 'commander'
import { CONFIGURABLE } from '../../api/configure.ts'
import type { Configuration } from '../../api/explain-settings.ts'
import { begin } from '../begin.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { CliError } from '../cli-error.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { isKnown } from '../is-known.ts'
import { addOutputOption } from '../output-option.ts'
import { pairsOf } from '../pairs.ts'
import { formatTable } from '../table.ts'

interface Options {
  readonly output?: string
}

const KINDS = Object.entries(CONFIGURABLE).map(
  ([kind, parameters]) => `  ${kind.padEnd(16)} ${parameters.map(({ name }) => name).join(', ')}`,
)
const CODES = `
Exit codes:
  0  done
  1  refused, or an error`
const ALL = `
With - in place of a service: what holds for services that say nothing themselves.
${CODES}
`
const GET_HELP = `${ALL}
Examples:
  kongsul config get web
  kongsul config get web timeouts
  kongsul config get - circuitBreaker -o json`
const EXPLAIN_HELP = `${ALL}
Examples:
  kongsul config explain web
  kongsul config explain -`
const SET_HELP = `
KIND and its parameters:
${KINDS.join('\n')}

The values are merged into Consul's KV, into mesh/services/SERVICE, or with - into mesh/defaults for all. NAME=null takes one
out again, so that the layer below decides. What is printed is what holds now.
${CODES}

Examples:
  kongsul config set web load-balancer strategy=least_connections
  kongsul config set web load-balancer strategy=null                        as mesh/defaults has it
  kongsul config set - circuit-breaker failure_threshold=5 recovery_timeout=30`

/** Takes a setting out. */
const NOTHING = 'null'

/** `kongsul config get|set|explain SERVICE`: settings of services, in Consul's KV. */
export function addServiceConfig(command: Command): void {
  const get = command
    .command('get')
    .argument('<service>', 'a service, or - for the defaults')
    .argument('[setting]', 'a dotted path such as timeouts.readMs; all that begin with it')
    .description('Shows the effective settings of a service.')
    .addHelpText('after', GET_HELP)
    .action(async (service: string, setting: string | undefined, options: Options) => {
      const { io } = begin(options)
      const found = (await explained(service, options)).filter(([path]) => isBelow(path, setting))
      if (io.format === 'json')
        return io.json(Object.fromEntries(found.map(([path, { value }]) => [path, value])))
      for (const [path, { value }] of found) io.print(`${path} = ${JSON.stringify(value)}`)
    })
  const explain = command
    .command('explain')
    .argument('<service>', 'a service, or - for the defaults')
    .description('Shows every effective setting of a service, and which layer set it.')
    .addHelpText('after', EXPLAIN_HELP)
    .action(async (service: string, options: Options) => {
      const { io } = begin(options)
      const found = await explained(service, options)
      if (io.format === 'json') return io.json(Object.fromEntries(found))
      const rows = found.map(([path, { value, source }]) => [
        path,
        JSON.stringify(value),
        { text: source, paint: source === 'built-in' ? io.paint.dim : io.paint.cyan },
      ])
      const columns = [{ title: 'SETTING' }, { title: 'VALUE', shrinks: true }, { title: 'SET BY' }]
      for (const line of formatTable(columns, rows, { width: io.width(), heading: io.paint.dim }))
        io.print(line)
    })
  const set = command
    .command('set')
    .argument('<service>', 'a service, or - for all')
    .addArgument(new Argument('<kind>', 'what is set').choices(Object.keys(CONFIGURABLE)))
    .argument('<name=value...>', 'parameters of the kind, and their values')
    .description('Sets parameters of a service, or of all, in Consul’s KV.')
    .addHelpText('after', SET_HELP)
    .action(async (service: string, kind: string, pairs: readonly string[], options: Options) => {
      const { config, io } = begin(options)
      const given = Object.entries(pairsOf(pairs, '='))
      const query = new URLSearchParams(given.filter(([, value]) => value !== NOTHING))
      const taken = given.filter(([, value]) => value === NOTHING).map(([name]) => [name, null])
      const body = taken.length === 0 ? undefined : Object.fromEntries(taken)
      if (service !== '-') query.set('service', service)
      const path = `/configure/${encodeURIComponent(kind)}?${query}`
      const done = await callOperator<Record<string, unknown>>(config, 'POST', path, body)
      if (done === null) throw operatorDown(config, `configuring ${service}`)
      if (io.format === 'json') return io.json(done)
      const { status: _, service: __, ...values } = done
      for (const [name, value] of Object.entries(values)) io.print(`${name} = ${JSON.stringify(value)}`)
      if (service !== '-' && !(await isKnown(service, config)))
        io.note(`No service ${service} is in the catalog: this waits in KV mesh/services/${service} for it.`)
    })
  for (const each of [get, explain, set]) {
    addOutputOption(each)
    addConfigOptions(each, ASKING)
  }
}

async function explained(service: string, options: Options) {
  const { config } = begin(options)
  const isOfAll = service === '-'
  const path = isOfAll ? '/configure' : `/configure?service=${encodeURIComponent(service)}`
  const answer = await callOperator<Configuration>(config, 'GET', path)
  if (answer === null) throw operatorDown(config, `reading the settings of ${service}`)
  const { defaults, defaults_sources: sources } = answer
  const found = isOfAll
    ? Object.entries(defaults).map(([at, value]) => [at, { value, source: sources[at]! }] as const)
    : answer.services[service] && Object.entries(answer.services[service])
  if (found !== undefined) return found
  throw new CliError('NOT_FOUND', {
    tried: `reading the settings of ${service}`,
    answer: 'the operator does not tell them',
    remedy: 'see kongsul services',
  })
}

const isBelow = (path: string, setting: string | undefined): boolean =>
  setting === undefined || path === setting || path.startsWith(`${setting}.`)

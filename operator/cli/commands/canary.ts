import { type Command, InvalidArgumentError } from 'commander'
import type { CanaryView } from '../../sync/canary-view.ts'
import { type Asked, callOperator, operatorDown } from '../call-operator.ts'
import { canaryLines, canaryRules } from '../canary-lines.ts'
import { ASKING, addConfigOptions, commandConfig } from '../config-options.ts'
import { addOutputOption, ioOf } from '../output-option.ts'
import { whoAmI } from '../who-am-i.ts'

interface Options {
  readonly output?: string
}

interface StartOptions extends Options {
  readonly to: string
  readonly steps: readonly number[]
  readonly every: string
  readonly maxErrorRate: number
  readonly maxP95?: number
  readonly minRequests: number
  readonly createDefaults?: boolean
}

const HELP = `
A canary moves the service-splitter of a service to one of its subsets step by step, while what becomes of the subset's
requests is good, and puts it back by itself when it is not. The operator does so; it goes on after a restart.

A step is judged when it has lasted --every and the subset had --min-requests: fewer are neither good nor bad. It goes
back before that when the numbers leave no doubt, at once when no instance of the subset can serve. Whoever changes the
splitter by hand pauses the canary until the splitter is as it was, or until "promote" or "abort".

Exit codes:
  0  done
  1  refused, or an error

Examples:
  kongsul canary start web --to v2 --steps 5,25,50,100 --every 2m --max-error-rate 1 --max-p95 400
  kongsul canary status web
  kongsul canary list
  kongsul canary promote web              all requests now
  kongsul canary abort web                back to what it was`

/** `kongsul canary start|promote|abort|status|list`. */
export function defineCanary(command: Command): void {
  command
    .description('Moves requests to a subset step by step, and back when they fail.')
    .addHelpText('after', HELP)
  const commands = [
    start(command),
    end(command, 'promote', 'Gives the subset of a canary all requests now.'),
    end(command, 'abort', 'Ends a canary: the splitter becomes what it was before.'),
    status(command),
    list(command),
  ]
  for (const each of commands) {
    each.helpOption('-h, --help', 'print help')
    addOutputOption(each)
    addConfigOptions(each, ASKING)
  }
}

function start(parent: Command): Command {
  return parent
    .command('start')
    .description('Begins to move requests to a subset, step by step.')
    .argument('<service>', 'Consul service')
    .requiredOption('--to <subset>', 'subset of its service-resolver that is tried')
    .option('--steps <percents>', 'percent of the requests, rising', percents, [10, 50, 100])
    .option('--every <duration>', 'how long a step lasts at least: 30s, 2m, 1h', '2m')
    .option('--max-error-rate <percent>', 'percent of its requests that may fail', number, 1)
    .option('--max-p95 <ms>', 'how slow one in twenty may be; no limit without', number)
    .option('--min-requests <n>', 'a step is not judged by fewer', number, 20)
    .option(
      '--create-defaults',
      'write service-defaults with protocol http, as Consul demands, where there is none',
    )
    .action(async (service: string, options: StartOptions) => {
      const { to, steps, every, maxErrorRate, maxP95, minRequests, createDefaults, ...rest } = options
      const { config, io } = begin(rest)
      const canary = await ask<CanaryView>(config, 'POST', '/canaries', {
        ...{ service, to, steps, every, min_requests: minRequests, by: whoAmI() },
        max_error_rate: maxErrorRate,
        ...(maxP95 === undefined ? {} : { max_p95: maxP95 }),
        ...(createDefaults === true ? { create_defaults: true } : {}),
      })
      if (io.format === 'json') io.json(canary)
      else {
        io.print(`${service}: canary to ${to} begins with ${canary.weight} %.`)
        io.print(`See how it goes: kongsul canary status ${service}`)
      }
    })
}

function end(parent: Command, word: 'promote' | 'abort', what: string): Command {
  return parent
    .command(word)
    .description(what)
    .argument('<service>', 'Consul service')
    .option('--reason <text>', 'shown where the canary is', '')
    .action(async (service: string, { reason, ...rest }: Options & { readonly reason: string }) => {
      const { config, io } = begin(rest)
      const path = `/canaries/${encodeURIComponent(service)}/${word}`
      const canary = await ask<CanaryView>(config, 'POST', path, { by: whoAmI(), reason })
      if (io.format === 'json') io.json(canary)
      else io.print(`${service}: ${canary.decision}.`)
    })
}

function status(parent: Command): Command {
  return parent
    .command('status')
    .description('Shows what a canary does and why.')
    .argument('[service]', 'Consul service; without one all')
    .action(async (service: string | undefined, options: Options) => {
      const { config, io } = begin(options)
      const query = service === undefined ? '' : `?service=${encodeURIComponent(service)}`
      const answer = await ask<Canaries>(config, 'GET', `/canaries${query}`)
      if (io.format === 'json') return io.json(answer)
      for (const line of canaryLines(answer.canaries, io)) io.print(line)
      if (service === undefined) return
      for (const canary of answer.canaries) for (const line of canaryRules(canary)) io.print(line)
    })
}

function list(parent: Command): Command {
  return parent
    .command('list')
    .description('Lists canaries that go on, and the last one of each service.')
    .action(async (options: Options) => {
      const { config, io } = begin(options)
      const answer = await ask<Canaries>(config, 'GET', '/canaries')
      if (io.format === 'json') io.json(answer)
      else for (const line of canaryLines(answer.canaries, io)) io.print(line)
    })
}

interface Canaries {
  readonly canaries: readonly CanaryView[]
  readonly total: number
}

async function ask<T>(config: Asked, method: 'GET' | 'POST', path: string, body?: unknown): Promise<T> {
  const answer = await callOperator<T>(config, method, path, body)
  if (answer === null) throw operatorDown(config, `${method} ${path}`)
  return answer
}

function percents(text: string): readonly number[] {
  const steps = text.split(',').map((each) => (each.trim() === '' ? Number.NaN : Number(each)))
  const isRising = steps.every((step, at) => step > (steps[at - 1] ?? 0) && step <= 100)
  if (isRising) return steps
  throw new InvalidArgumentError('Give rising percents up to 100, for example 5,25,50,100.')
}

function number(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new InvalidArgumentError('Give a number.')
}

function begin(options: Options) {
  return { config: commandConfig({ ...options }), io: ioOf(options) }
}

import { type Command, InvalidArgumentError } from 'commander'
import type { Called } from '../../call/caller.ts'
import { begin } from '../begin.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { addOutputOption } from '../output-option.ts'
import { pairsOf } from '../pairs.ts'

interface Options {
  readonly output?: string
  readonly method: string
  readonly header: readonly string[]
  readonly data?: string
  readonly timeout: number
  readonly retries: number
}

const HELP = `
The request goes through Kong's proxy, so that balancing, breaker and policies apply. The body is printed; who answered, and
the trace, on standard error.

Exit codes:
  0  an answer below 400
  1  an answer of 400 and more, or none

Examples:
  kongsul call web
  kongsul call web /orders?id=7 -H 'accept: application/json'
  kongsul call web /orders -X POST -d '{"id": 7}'`

const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value]

/** `kongsul call SERVICE [PATH]`. */
export function defineCall(command: Command): void {
  command.description('One request to a service through Kong’s proxy, and which instance served it.')
  command.addHelpText('after', HELP)
  command.argument('<service>').argument('[path]', 'with its query', '/')
  command
    .option('-X, --method <method>', 'GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS', 'GET')
    .option('-H, --header <name:value>', 'a header; may be given again', collect, [])
    .option('-d, --data <body>', 'body; JSON where it is that')
    .option('--timeout <seconds>', 'for all tries together, 1 to 300', from(1, 300), 30)
    .option('--retries <count>', 'of tries after the first one, 0 to 10', from(0, 10), 3)
  command.action(async (service: string, path: string, options: Options) => {
    const { config, io } = begin(options)
    const body = {
      service_name: service,
      method: options.method.toUpperCase(),
      path,
      headers: pairsOf(options.header, ':'),
      ...(options.data === undefined ? {} : { body: jsonOr(options.data) }),
      timeout: options.timeout,
      retry_count: options.retries,
    }
    const waitMs = body.timeout * 1000 + 5_000
    const called = await callOperator<Called>(config, 'POST', '/call', body, waitMs)
    if (called === null) throw operatorDown(config, `calling ${service}`)
    if (called.status_code >= 400) process.exitCode = 1
    if (io.format === 'json') return io.json(called)
    io.note(calledLine(called))
    if (called.body !== null)
      io.print(typeof called.body === 'string' ? called.body : JSON.stringify(called.body, null, 2))
  })
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

/** The line of an answer: status, who gave it, how long it took. */
export function calledLine({ status_code, instance_id, body, duration, trace_id }: Called): string {
  return `${status_code} from ${instance_id ?? unknownGiver(body)} in ${duration} s, trace ${trace_id}`
}

/** The breaker's own answer says what it is (plugins/mesh-circuit-breaker/refusal.ts); people may have set another. */
function unknownGiver(body: unknown): string {
  const isRefusal =
    typeof body === 'object' && body !== null && 'code' in body && body.code === 'CIRCUIT_OPEN'
  return isRefusal
    ? 'the circuit breaker, which asked no instance,'
    : 'Kong itself or an instance that is not known'
}

const from = (least: number, most: number) => (text: string) => {
  const value = Number(text)
  if (text.trim() !== '' && value >= least && value <= most) return value
  throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`)
}

function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // sent as text
  }
}

import { type Command, Option } from 'commander'
import type { TraceSummary } from '../../traces/summarize.ts'
import type { TraceView } from '../../traces/trace-view.ts'
import { begin } from '../begin.ts'
import { callOperator, operatorDown } from '../call-operator.ts'
import { CliError } from '../cli-error.ts'
import { ASKING, addConfigOptions } from '../config-options.ts'
import { addOutputOption } from '../output-option.ts'
import { traceLines } from '../trace-lines.ts'
import { waterfall } from '../waterfall.ts'

interface Options {
  readonly output?: string
  readonly json?: boolean
  readonly requestId?: string
  readonly service?: string
  readonly operation?: string
  readonly minDuration?: string
  readonly maxDuration?: string
  readonly errors?: boolean
  readonly tag: readonly string[]
  readonly start?: string
  readonly end?: string
  readonly limit: string
}

interface Found {
  readonly traces: readonly TraceSummary[]
  readonly total: number
}

const HELP = `
Lists the traces that fit, the newest first; with the id of one, or Kong's request id, shows it as a waterfall. In it a bar
is where a span was under way, its full part (█) what it took itself on the critical path.

Exit codes:
  0  done
  1  an error, or there is no such trace

Examples:
  kongsul traces
  kongsul traces --service web --errors --limit 5
  kongsul traces --tag http.route:/orders --min-duration 250
  kongsul traces 0af7651916cd43dd8448eb211c80319c
  kongsul traces --request-id 1f0c5b3e8f1a4a6fb1f1a4c0ffee1234`

/** `kongsul traces [ID]`. */
export function defineTraces(command: Command): void {
  command
    .description('Requests through the mesh as the trace collector has them.')
    .argument('[id]', 'a trace, to show as a waterfall')
    .option('--request-id <id>', "show the trace of a request by Kong's id of it (X-Kong-Request-Id)")
    .option('--service <name>', 'through this service')
    .option('--operation <name>', 'with a span of this name')
    .option('--min-duration <ms>', 'that took at least so long')
    .option('--max-duration <ms>', 'that took at most so long')
    .option('--errors', 'with an error')
    .option('--tag <key:value>', 'with this attribute; may be repeated', collect, [])
    .option('--start <time>', 'that began then or later: RFC 3339, or ms since 1970')
    .option('--end <time>', 'that began then or before')
    .option('--limit <n>', 'how many, 1 to 1000', '20')
    .addOption(new Option('--json', 'the same as -o json'))
    .addHelpText('after', HELP)
    .action((id: string | undefined, options: Options) => run(id, options))
  addOutputOption(command)
  addConfigOptions(command, ASKING)
}

async function run(id: string | undefined, options: Options): Promise<void> {
  const { config, io } = begin({ ...options, ...(options.json ? { output: 'json' } : {}) })
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await callOperator<T>(config, 'GET', path)
    if (answer === null) throw operatorDown(config, 'reading traces')
    return answer
  }
  const wanted = id ?? (options.requestId === undefined ? undefined : await idOf(options.requestId, ask))
  if (wanted !== undefined) {
    const trace = await ask<TraceView>(`/traces/${encodeURIComponent(wanted)}`).catch((error) => {
      throw error instanceof CliError && error.code === 'NOT_FOUND' ? notKept(wanted) : error
    })
    if (io.format === 'json') return io.json(trace)
    for (const line of waterfall(trace, { width: io.width(), paint: io.paint })) io.print(line)
    return
  }
  const found = await ask<Found>(`/traces?${queryOf(options)}`)
  if (io.format === 'json') return io.json(found)
  if (found.traces.length === 0) {
    io.print(NOTHING[isNarrowed(options) ? 'fits' : 'kept'])
    return
  }
  for (const line of traceLines(found.traces, { width: io.width(), paint: io.paint })) io.print(line)
  if (found.total > found.traces.length) {
    io.print(io.paint.dim(`${found.traces.length} of ${found.total}; --limit shows more`))
  }
}

const NOTHING = {
  fits: 'No traces fit; without conditions, kongsul traces lists the newest.',
  kept: 'There are no traces. Requests through the proxy leave them, where the plugins run and tracing is on.',
} as const

const isNarrowed = ({ service, operation, minDuration, maxDuration, errors, tag, start, end }: Options) =>
  tag.length > 0 ||
  [service, operation, minDuration, maxDuration, errors, start, end].some((each) => each !== undefined)

const notKept = (id: string): CliError =>
  new CliError('NOT_FOUND', {
    tried: `reading trace ${id}`,
    answer: 'this operator does not keep it (any more)',
    remedy: 'kongsul traces lists those that it keeps; each operator has its own',
  })

async function idOf(requestId: string, ask: <T>(path: string) => Promise<T>): Promise<string> {
  const query = new URLSearchParams({ tag: `kong.request.id:${requestId}`, limit: '1' })
  const { traces } = await ask<Found>(`/traces?${query}`)
  const [first] = traces
  if (first !== undefined) return first.trace_id
  throw new CliError('NOT_FOUND', {
    tried: `looking for the trace of request ${requestId}`,
    answer: 'none of the traces that are kept has it',
    remedy: 'see kongsul traces; a request that is not sampled leaves a trace only when it fails',
  })
}

function queryOf(options: Options): string {
  const { service, operation, minDuration, maxDuration, errors, tag, start, end, limit } = options
  const given = {
    service,
    operation,
    min_duration: minDuration,
    max_duration: maxDuration,
    error_only: errors ? 'true' : undefined,
    start,
    end,
    limit,
  }
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(given)) if (value !== undefined) query.set(name, value)
  for (const each of tag) query.append('tag', each)
  return query.toString()
}

const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value]

// The command group `simulate`: one pure function per simulator, from parsed JSON to what is printed as JSON. A new one is
// a line in SIMULATORS. Files, lists and errors are dealt with here.
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { CliError, explain } from './cli-error.ts'
import { SimulationInputError } from './simulation-input-error.ts'

/** @throws SimulationInputError with the place of the fault inside this one input */
export type Simulate = (input: unknown) => unknown

interface Simulator {
  readonly name: string
  readonly summary: string
  /** What goes in, what comes out, examples. */
  readonly help: string
  readonly load: () => Promise<Simulate>
}

const SIMULATORS: readonly Simulator[] = [
  {
    name: 'propagation',
    summary: 'what the tracing plugin reads from request headers, and what it sends on',
    help: `
Input: {"config": {"extract": [], "inject": [], "clear": [], "default_format": "w3c", "sampling_rate": 1},
"incoming": [[NAME, VALUE], ...]}. What config leaves out has its default.
Output: {"extracted": {"trace_id", "parent_span_id", "sampled", "baggage"} or null, "outgoing": {NAME: VALUE or [VALUES]}}.

Example:
  echo '{"incoming": [["b3", "0"]]}' | kongsul simulate propagation -`,
    load: async () => (await import('./simulate-propagation.ts')).simulatePropagation,
  },
  {
    name: 'breaker',
    summary: 'what the circuit breaker decides on a series of calls',
    help: `
Input: {"config": {SETTINGS, "seed": 1}, "instances": ["10.0.0.1:80"], "events": [EVENT, ...]}. SETTINGS are those of
"circuitBreaker" in Consul KV; what they leave out has its default. Times are milliseconds and never fall. An event:
  {"at": MS, "access": ID}
  {"at": MS, "outcome": {"id": ID, "started_at": MS, "status": 503, "source": "upstream" | "exit" | "client_abort",
    "duration_ms": N, "ttfb_ms": N, "tries": [{"instance": "ip:port", "status": 503 | "connect_error" | "timeout",
    "ms": N}], "grpc_status": N}}; an outcome without access counts only in a closed circuit
  {"at": MS, "set": {SETTINGS that change}}
  {"at": MS, "health": {"ip:port": "healthy" | "degraded" | "unhealthy" | "absent"}}
  {"at": MS}, to look at that moment
Output: {"decisions": [{"id", "at", "admitted", "state", "retry_after"}], "transitions": [{"at", "circuit": "service" or
"ip:port", "from", "to", "reason"}], "ejected": ["ip:port"], "final": {...}}. "ejected" are the instances that get no
requests at the end. With the mode metrics_only a transition that would have been has "would_be": true.

Example:
  echo '{"config": {"mode": "forced_open"}, "events": [{"at": 0, "access": "a"}]}' | kongsul simulate breaker -`,
    load: async () => (await import('./simulate-breaker.ts')).simulateBreaker,
  },
]

const HELP = `
FILE holds JSON, an object or a list of them; - reads standard input. The answer is JSON of the same kind.

Exit codes:
  0  done
  1  the input is not what it should be; the error names the field`

/** `kongsul simulate ...`: the plugins' decisions on data from a file, without any server. */
export function defineSimulate(command: Command): void {
  command.description('Runs the decisions of the plugins on data from a file, without any server.')
  command.addHelpText('after', `${HELP}\n\nExample:\n  kongsul simulate propagation requests.json`)
  for (const { name, summary, help, load } of SIMULATORS) {
    command
      .command(name)
      .summary(summary)
      .description(`Simulates ${summary}.`)
      .argument('<file>', 'JSON; - reads standard input')
      .helpOption('-h, --help', 'print help')
      .addHelpText('after', `${help}\n${HELP}`)
      .action(async (file: string) => {
        const answer = simulateAll(await load(), await readInput(file), file)
        process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`)
      })
  }
}

/** An answer for an input, a list for a list. @throws CliError that names the field, with its place in a list */
function simulateAll(simulate: Simulate, input: unknown, file: string): unknown {
  if (Array.isArray(input)) return input.map((each, index) => simulateOne(simulate, each, file, `[${index}]`))
  return simulateOne(simulate, input, file, '')
}

function simulateOne(simulate: Simulate, input: unknown, file: string, place: string): unknown {
  try {
    return simulate(input)
  } catch (error) {
    if (!(error instanceof SimulationInputError)) throw error
    const { path, reason } = error
    const field = `${place}${place !== '' && path !== '' && !path.startsWith('[') ? '.' : ''}${path}`
    throw unreadable(file, `${field === '' ? 'the input' : field}: ${reason}`, error)
  }
}

async function readInput(file: string): Promise<unknown> {
  try {
    return JSON.parse(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'))
  } catch (error) {
    throw unreadable(file, explain(error), error)
  }
}

const unreadable = (file: string, answer: string, cause: unknown): CliError =>
  new CliError(
    'SIMULATION_INPUT',
    {
      tried: `reading ${file === '-' ? 'standard input' : file}`,
      answer,
      remedy: isAbsent(cause)
        ? 'name a file that is there and can be read, or - for standard input'
        : 'give JSON of the form that --help shows',
    },
    { cause },
  )

const isAbsent = (error: unknown): boolean =>
  ['ENOENT', 'EACCES', 'EISDIR'].includes((error as NodeJS.ErrnoException | null)?.code ?? '')

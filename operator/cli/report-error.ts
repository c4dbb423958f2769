import { CliError, explain } from './cli-error.ts'

/** Prints an error that ends a command: on standard error, or as JSON on standard output with `-o json`. */
export function reportError(error: unknown, args: readonly string[]): void {
  if (wantsJson(args)) {
    process.stdout.write(`${JSON.stringify({ error: asJson(error) }, null, 2)}\n`)
    return
  }
  const name = args.find((arg) => !arg.startsWith('-'))
  process.stderr.write(`kongsul${name ? ` ${name}` : ''}: ${errorText(error)}\n`)
  if (process.env['KONGSUL_LOG_LEVEL'] === 'debug' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`)
}

/** For people: what happened, and what to do where that is known. */
export function errorText(error: unknown): string {
  if (!(error instanceof CliError)) {
    const remedy = remedyOf(error)
    return `${explain(error)}${remedy === undefined ? '' : `\n  what to do: ${remedy}`}`
  }
  const left = error.left.map((each) => `\n  done so far: ${each}`).join('')
  return `${error.tried}\n  came back:  ${error.answer}${left}\n  what to do: ${error.remedy}`
}

function asJson(error: unknown): object {
  if (error instanceof CliError) {
    const { code, tried, answer, remedy, left } = error
    return { code, tried, answer, remedy, ...(left.length === 0 ? {} : { left }) }
  }
  const remedy = remedyOf(error)
  const code = (error as { code?: string }).code ?? 'ERROR'
  return { code, message: explain(error), ...(remedy === undefined ? {} : { remedy }) }
}

/** Of errors that a read of Consul or Kong throws, by their code. */
export const remedyOf = (error: unknown): string | undefined =>
  REMEDIES.get((error as { code?: string }).code ?? '')

const START_CONSUL = 'start Consul there (kongsul up brings one), or set CONSUL_HTTP_ADDR'
const START_KONG = 'start Kong there (kongsul gateway is a stand-in), or set KONG_ADMIN_URL'
const REMEDIES: ReadonlyMap<string, string> = new Map([
  ['CONSUL_UNREACHABLE', START_CONSUL],
  ['CONSUL_TIMEOUT', START_CONSUL],
  ['CONSUL_DENIED', 'give a token that may read services, nodes and keys below mesh/: CONSUL_HTTP_TOKEN'],
  ['KONG_UNREACHABLE', START_KONG],
  ['KONG_TIMEOUT', START_KONG],
  ['KONG_DENIED', 'give the token of the Admin API: KONGSUL_KONG_TOKEN'],
])

function wantsJson(args: readonly string[]): boolean {
  const at = args.findIndex((arg) => arg === '-o' || arg === '--output')
  return (at >= 0 && args[at + 1] === 'json') || args.includes('-ojson') || args.includes('--output=json')
}

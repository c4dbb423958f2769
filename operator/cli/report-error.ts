import { CliError, explain } from './cli-error.ts'

/** Prints an error that ends a command: on standard error, or as JSON on standard output with `-o json`. */
export function reportError(error: unknown, args: readonly string[]): void {
  if (wantsJson(args)) {
    process.stdout.write(`${JSON.stringify({ error: asJson(error) }, null, 2)}\n`)
    return
  }
  const name = args.find((arg) => !arg.startsWith('-'))
  process.stderr.write(`kongsul${name ? ` ${name}` : ''}: ${asText(error)}\n`)
  if (process.env['KONGSUL_LOG_LEVEL'] === 'debug' && error instanceof Error)
    process.stderr.write(`${error.stack}\n`)
}

function asText(error: unknown): string {
  if (!(error instanceof CliError)) return explain(error)
  return `${error.tried}\n  came back:  ${error.answer}\n  what to do: ${error.remedy}`
}

function asJson(error: unknown): object {
  if (error instanceof CliError) {
    return { code: error.code, tried: error.tried, answer: error.answer, remedy: error.remedy }
  }
  return { code: (error as { code?: string }).code ?? 'ERROR', message: explain(error) }
}

function wantsJson(args: readonly string[]): boolean {
  const at = args.findIndex((arg) => arg === '-o' || arg === '--output')
  return (at >= 0 && args[at + 1] === 'json') || args.includes('-ojson') || args.includes('--output=json')
}

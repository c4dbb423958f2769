import { CliError, explain } from './cli-error.ts'
import { whatToDo, whoAnswered } from './what-to-do.ts'

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
    const [who, remedy] = [whoAnswered(error), whatToDo(error)]
    const told = who === undefined ? explain(error) : `asking ${who}\n  came back:  ${explain(error)}`
    return `${told}${remedy === undefined ? '' : `\n  what to do: ${remedy}`}`
  }
  const left = error.left.map((each) => `\n  done so far: ${each}`).join('')
  return `${error.tried}\n  came back:  ${error.answer}${left}\n  what to do: ${error.remedy}`
}

function asJson(error: unknown): object {
  if (error instanceof CliError) {
    const { code, tried, answer, remedy, left } = error
    return { code, tried, answer, remedy, ...(left.length === 0 ? {} : { left }) }
  }
  const remedy = whatToDo(error)
  const code = (error as { code?: string }).code ?? 'ERROR'
  return { code, message: explain(error), ...(remedy === undefined ? {} : { remedy }) }
}

function wantsJson(args: readonly string[]): boolean {
  const at = args.findIndex((arg) => arg === '-o' || arg === '--output')
  return (at >= 0 && args[at + 1] === 'json') || args.includes('-ojson') || args.includes('--output=json')
}

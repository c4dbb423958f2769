import { createInterface } from 'node:readline/promises'
import type { Io } from '../io.ts'

interface Terminal {
  readonly stdin: { readonly isTTY?: boolean }
  readonly stderr: { readonly isTTY?: boolean }
}

/** Is somebody there who can be asked, and has been shown what about? In JSON nothing was shown before its end. */
export const canAsk = ({ format }: Pick<Io, 'format'>, { stdin, stderr }: Terminal = process): boolean =>
  format === 'text' && stdin.isTTY === true && stderr.isTTY === true

/**
 * Is it agreed to? Where it is not, or nobody can be asked, it says that nothing was changed: in JSON on standard error.
 * @param what `2 changes in Consul`
 */
export async function isAgreed(
  { yes, what, question }: { yes: boolean; what: string; question: string },
  io: Io,
): Promise<boolean> {
  if (yes) return true
  const asks = canAsk(io)
  if (asks && (await confirm(question))) return true
  const why =
    io.format === 'json' ? 'nobody is asked with -o json' : asks ? '' : 'nobody is there to be asked'
  const line = `${what}. Nothing was changed${why === '' ? '' : `; ${why}, --yes does it`}.`
  if (io.format === 'json') io.note(line)
  else io.print(line)
  return false
}

/** Asks on the terminal; only `y` and `yes` are a yes. */
async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}

import { compileRustRegex } from '../../kong/gateway/router/rust-regex.ts'
import { rustRegexMistake } from '../../kong/gateway/schema/rust-regex-error.ts'

/** Why a text is no regular expression for Kong; null when it is one. */
export function regexFault(pattern: string): string | null {
  const mistake = rustRegexMistake(pattern)
  if (mistake !== undefined) return mistake.text
  try {
    compileRustRegex(pattern)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

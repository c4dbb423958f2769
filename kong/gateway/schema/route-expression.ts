/**
 * Kong's default router turns a route into an expression whose regular expressions are Rust's: what PCRE has and
 * Rust has not is refused as well. Only that refusal is modelled, not the whole text of the parser's drawing.
 */

import { type ObjectValue, own } from './table.ts'

const UNSUPPORTED: readonly (readonly [pattern: RegExp, text: string])[] = [
  [/\(\?<?[=!]/, 'look-around, including look-ahead and look-behind, is not supported'],
  [/\\[1-9]|\\k[<{']/, 'backreferences are not supported'],
  [/\(\?[>|#]/, 'unrecognized flag'],
  [/\{(?!\d+(?:,\d*)?\})/, 'repetition quantifier expects a valid decimal'],
]

/** @returns what is wrong with the regular expressions of a route's paths; undefined when nothing is. */
export function routeExpressionError(route: ObjectValue): string | undefined {
  const paths = own(route, 'paths')
  if (!Array.isArray(paths)) return undefined
  for (const path of paths) {
    if (typeof path !== 'string' || !path.startsWith('~')) continue
    const plain = path.replace(/\\[^1-9k]|\[\^?\]?[^\]]*\]/g, '_')
    const found = UNSUPPORTED.find(([pattern]) => pattern.test(plain))
    if (found)
      return `Router Expression failed validation: regex parse error: ${found[1]} in ${path.slice(1)}`
  }
  return undefined
}

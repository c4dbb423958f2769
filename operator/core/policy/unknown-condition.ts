/** Conditions of a route that this version does not know: without them it would take requests that are none of its own. */

import type { RouterDocument } from './entry-schema.ts'
import { CONDITIONS } from './entry-schema.ts'

type Match = NonNullable<NonNullable<RouterDocument['Routes']>[number]['Match']>

/** Where the first of them stands, from `Match` on; null: all are known. */
export function unknownCondition(match: Match | undefined): string | null {
  if (match === undefined) return null
  const { HTTP } = match
  const places: [at: string, of: object, known: readonly string[]][] = [
    ['Match', match, CONDITIONS.Match],
    ['Match.HTTP', HTTP ?? {}, CONDITIONS.HTTP],
    ...(HTTP?.Header ?? []).map((header, index): [string, object, readonly string[]] => [
      `Match.HTTP.Header[${index}]`,
      header,
      CONDITIONS.Header,
    ]),
  ]
  for (const [at, of, known] of places) {
    const strange = Object.entries(of).find(([key, value]) => !known.includes(key) && saysSomething(value))
    if (strange !== undefined) return `${at}.${strange[0]}`
  }
  return null
}

/** Consul returns fields that nobody gave with the value of nothing. */
export const saysSomething = (value: unknown): boolean =>
  typeof value === 'object' && value !== null
    ? Object.values(value).some(saysSomething)
    : value !== '' && value !== 0 && value !== false && value !== null && value !== undefined

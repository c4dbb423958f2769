/** Rules over one value, in Kong's order: the first that fails gives the message. */

import type { Field } from './field.ts'
import { luaMatches } from './lua-pattern.ts'
import { luaNumber, luaString } from './lua-text.ts'
import { entriesOf, isTable, type Value } from './table.ts'

/** @returns the message of the first rule that fails; undefined when all hold. */
export function brokenRule(value: Value, field: Field): string | undefined {
  for (const rule of RULES) {
    const message = rule(value, field)
    if (message !== undefined) return field.err ?? message
  }
  return undefined
}

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** The names in single quotes, lists in brackets. */
export const quotedList = (words: readonly (string | readonly string[])[]): string =>
  words.map((word) => (typeof word === 'string' ? `'${word}'` : `(${quotedList(word)})`)).join(', ')

type Rule = (value: Value, field: Field) => string | undefined

const isSame = (a: Value | undefined, b: Value | undefined): boolean => a === b

const RULES: readonly Rule[] = [
  (value, { eq }) => (eq === undefined || isSame(value, eq) ? undefined : `value must be ${shown(eq)}`),
  (value, { ne }) =>
    ne === undefined || !isSame(value, ne)
      ? undefined
      : `value must not be ${ne === null ? 'null' : luaString(value)}`,
  (value, { not_one_of: list }) =>
    list?.includes(value as string) ? `must not be one of: ${joined(list)}` : undefined,
  (value, { one_of: list }) =>
    list && !list.includes(value as string) ? `expected one of: ${joined(list)}` : undefined,
  (value, { gt }) =>
    gt !== undefined && typeof value === 'number' && !(value > gt)
      ? `value must be greater than ${luaNumber(gt)}`
      : undefined,
  (value, { timestamp }) =>
    timestamp && typeof value === 'number' && !(value > 0) ? 'expected a valid timestamp' : undefined,
  (value, { uuid }) =>
    uuid && !(typeof value === 'string' && UUID.test(value)) ? 'expected a valid UUID' : undefined,
  (value, { is_regex: wanted }) =>
    wanted && !isRegex(String(value)) ? `not a valid regex: ${luaString(value)}` : undefined,
  (value, { between }) =>
    between && typeof value === 'number' && (value < between[0] || value > between[1])
      ? `value should be between ${Math.trunc(between[0])} and ${Math.trunc(between[1])}`
      : undefined,
  (value, { len_eq: length }) =>
    length !== undefined && lengthOf(value) !== length ? `length must be ${length}` : undefined,
  (value, { len_min: length }) =>
    length !== undefined && lengthOf(value) < length ? `length must be at least ${length}` : undefined,
  (value, { len_max: length }) =>
    length !== undefined && lengthOf(value) > length ? `length must be at most ${length}` : undefined,
  (value, { starts_with: start }) =>
    start !== undefined && !String(value).startsWith(start) ? `should start with: ${start}` : undefined,
  (value, { not_match: pattern }) =>
    pattern !== undefined && luaMatches(String(value), pattern)
      ? `invalid value: ${luaString(value)}`
      : undefined,
  (value, { match_none: rules }) => rules?.find((rule) => luaMatches(String(value), rule.pattern))?.err,
  (value, { match: pattern }) =>
    pattern !== undefined && !luaMatches(String(value), pattern)
      ? `invalid value: ${luaString(value)}`
      : undefined,
  (value, { match_all: rules }) => rules?.find((rule) => !luaMatches(String(value), rule.pattern))?.err,
  (value, { match_any: rule }) =>
    rule && !rule.patterns.some((pattern) => luaMatches(String(value), pattern))
      ? (rule.err ?? `invalid value: ${luaString(value)}`)
      : undefined,
  (value, { contains: wanted }) =>
    wanted !== undefined && !(Array.isArray(value) && value.includes(wanted))
      ? `expected to contain: ${wanted}`
      : undefined,
  (value, field) => field.custom_validator?.(value),
  (value, { mutually_exclusive_subsets: subsets }) => exclusiveSubsets(value, subsets),
]

const shown = (value: Value): string => (value === null ? 'null' : luaString(value))
const joined = (list: readonly (string | number)[]): string =>
  list.map((item) => (typeof item === 'number' ? luaNumber(item) : item)).join(', ')

/** Bytes of a string, members of a table. */
const lengthOf = (value: Value): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : isTable(value) ? entriesOf(value).length : 0

function isRegex(pattern: string): boolean {
  try {
    new RegExp(pattern)
    return true
  } catch {
    return false // not a regex is the answer, not a failure
  }
}

function exclusiveSubsets(value: Value, subsets: Field['mutually_exclusive_subsets']): string | undefined {
  if (!subsets || !Array.isArray(value)) return undefined
  const used = new Set<readonly string[]>()
  for (const item of value) {
    const subset = subsets.find((members) => members.includes(item as string))
    if (subset) used.add(subset)
  }
  return used.size > 1 ? `these sets are mutually exclusive: ${quotedList([...used])}` : undefined
}

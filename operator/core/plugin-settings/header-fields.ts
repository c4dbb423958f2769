/**
 * Header changes as the configuration of Kong's request- and response-transformer. Kong runs one of each on a service, so
 * what the settings of a service say and what a route of a service-router says become one: as if the first were done
 * before the second.
 */

import type { Json } from '../entity.ts'
import type { HeaderRules } from './traffic-settings.ts'

type Fields = Readonly<Record<string, Json>>

/** Names as they are to be written; the case of a name says nothing. */
export interface HeaderSteps {
  readonly remove: readonly string[]
  readonly rename: readonly (readonly [from: string, to: string])[]
  /** Replaced where they are there, added where not. */
  readonly set: readonly (readonly [name: string, value: string])[]
  /** One more, beside what is there. */
  readonly add: readonly (readonly [name: string, value: string])[]
}

export function stepsOfRules({ remove = [], rename = {}, set = {}, add = {} }: HeaderRules): HeaderSteps {
  return {
    remove: lastOfEach(remove.map((name) => [name, ''])).map(([name]) => name),
    rename: lastOfEach(Object.entries(rename)),
    set: lastOfEach(Object.entries(set)),
    add: Object.entries(add).sort(byName),
  }
}

/** One list of steps for two, in Kong's order: remove, rename, set, add. null for none. */
export function mergeSteps(first: HeaderSteps | null, then: HeaderSteps | null): HeaderSteps | null {
  if (first === null || then === null) return first ?? then
  const removed = namesOf(then.remove)
  const replaced = new Set([...removed, ...namesOf(then.set.map(([name]) => name))])
  const isKept = ([name]: readonly [string, string]) => !replaced.has(name.toLowerCase())
  // A name that the first step renamed is not there any more when the second removes it.
  const sources = namesOf(first.rename.map(([from]) => from))
  const renamed = first.rename.filter(([, to]) => !removed.has(to.toLowerCase()))
  const renamedAway = first.rename.filter(([, to]) => removed.has(to.toLowerCase())).map(([from]) => from)
  const late = then.remove.filter((name) => !sources.has(name.toLowerCase()))
  return {
    remove: lastOfEach([...first.remove, ...renamedAway, ...late].map((name) => [name, ''])).map(
      ([name]) => name,
    ),
    rename: [...renamed, ...then.rename],
    set: lastOfEach([...first.set.filter(isKept), ...then.set]),
    add: [...first.add.filter(isKept), ...then.add],
  }
}

/** null where there is nothing to do. */
export function headerFields(steps: HeaderSteps | null): Fields | null {
  if (steps === null) return null
  const { remove, rename, set, add } = steps
  if (remove.length + rename.length + set.length + add.length === 0) return null
  const pairs = (list: readonly (readonly [string, string])[]) =>
    list.map(([name, value]) => `${name}:${value}`)
  return {
    'config.remove.headers': remove,
    'config.rename.headers': pairs(rename),
    'config.replace.headers': pairs(set),
    'config.add.headers': pairs(set),
    'config.append.headers': pairs(add),
  }
}

export const NO_HEADERS: Fields = {
  'config.remove.headers': [],
  'config.rename.headers': [],
  'config.replace.headers': [],
  'config.add.headers': [],
  'config.append.headers': [],
}

const namesOf = (names: readonly string[]): ReadonlySet<string> =>
  new Set(names.map((name) => name.toLowerCase()))

/** By name without regard to case, sorted; of several the last, as layers lie one over the other. */
function lastOfEach(pairs: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  const last = new Map(pairs.map((pair) => [pair[0].toLowerCase(), pair]))
  return [...last.values()].sort(byName)
}

const byName = ([left]: readonly [string, string], [right]: readonly [string, string]): number =>
  left < right ? -1 : left > right ? 1 : 0

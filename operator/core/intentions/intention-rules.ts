/**
 * Whom a service lets in, by Consul's precedence
 * (https://developer.hashicorp.com/consul/docs/connect/intentions#precedence-and-match-order): an exact destination
 * beats `*`, then an exact source beats `*`; where nothing matches, the default holds.
 */

import { type Action, type Intention, type Permission, WILDCARD } from './intention.ts'

/** Kong's acl has a list of who may, or one of who may not. */
export type Access =
  | { readonly kind: 'open' }
  | { readonly kind: 'only'; readonly callers: readonly string[] }
  | { readonly kind: 'except'; readonly callers: readonly string[] }

export const OPEN: Access = { kind: 'open' }

/** Intentions by destination, then source. */
export type IntentionIndex = ReadonlyMap<string, ReadonlyMap<string, Intention>>

export function indexIntentions(list: readonly Intention[]): IntentionIndex {
  const index = new Map<string, Map<string, Intention>>()
  for (const each of list) {
    const sources = index.get(each.destination) ?? new Map<string, Intention>()
    index.set(each.destination, sources.set(each.source, each))
  }
  return index
}

/**
 * @param byDefault what holds where no intention matches
 * @param onMixed called for an intention that Kong cannot keep: it lets some requests of a caller in and not others
 */
export function accessTo(
  destination: string,
  index: IntentionIndex,
  byDefault: Action,
  onMixed: (intention: Intention) => void = () => {},
): Access {
  const exact = index.get(destination)
  const every = index.get(WILDCARD)
  const settle = (intention: Intention | undefined): Action =>
    intention === undefined ? byDefault : actionOf(intention, byDefault, onMixed)
  const rest = settle(exact?.get(WILDCARD) ?? every?.get(WILDCARD))
  const named = new Map(exact)
  // Whatever is said of this destination is nearer than what is said of all.
  if (exact?.has(WILDCARD) !== true)
    for (const [source, intention] of every ?? []) if (!named.has(source)) named.set(source, intention)
  named.delete(WILDCARD)
  const callers = [...named]
    .filter(([, intention]) => settle(intention) !== rest)
    .map(([source]) => source)
    .sort()
  if (rest === 'deny') return { kind: 'only', callers }
  return callers.length === 0 ? OPEN : { kind: 'except', callers }
}

/** For requests that either service may answer: who may call both. */
export function accessToBoth(one: Access, other: Access): Access {
  if (one.kind === 'open') return other
  if (other.kind === 'open') return one
  if (one.kind === 'except' && other.kind === 'except')
    return { kind: 'except', callers: [...new Set([...one.callers, ...other.callers])].sort() }
  const only = one.kind === 'only' ? one : other
  const second = only === one ? other : one
  const isIn = (caller: string): boolean => second.callers.includes(caller) === (second.kind === 'only')
  return { kind: 'only', callers: only.callers.filter(isIn) }
}

/**
 * One word for an intention. Its permissions are asked in order and the first that matches a request decides, the
 * default where none does; Kong's acl sees the caller alone, so a caller that may not do everything may do nothing.
 */
function actionOf(intention: Intention, byDefault: Action, onMixed: (intention: Intention) => void): Action {
  const { says } = intention
  if (typeof says === 'string') return says
  const answers = reachable(says, byDefault)
  if (answers.every((each) => each === answers[0])) return answers[0]!
  onMixed(intention)
  return 'deny'
}

/** What requests can be answered; permissions behind one that is for all are never asked. */
function reachable(permissions: readonly Permission[], byDefault: Action): readonly Action[] {
  const last = permissions.findIndex(({ isForAll }) => isForAll)
  if (last >= 0) return permissions.slice(0, last + 1).map(({ action }) => action)
  return [...permissions.map(({ action }) => action), byDefault]
}

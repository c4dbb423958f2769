/** Header changes of a route, as the configuration of Kong's request- and response-transformer. */

import type { Json } from '../entity.ts'
import type { RouteDestinationDocument, Tell } from './compile-chain.ts'

export type Fields = Readonly<Record<string, Json>>

export interface Transformers {
  /** null: none is needed. */
  readonly request: Fields | null
  readonly response: Fields | null
}

/** The path that is sent on: a part of the one that was asked for, by the name of the group in the route's regex. */
export const PATH_GROUP = 'mesh_path'

export function transformersOf(
  wish: RouteDestinationDocument,
  takesPathGroup: boolean,
  where: string,
  tell: Tell,
): Transformers {
  const request = headerFields(wish.RequestHeaders, `${where}.RequestHeaders`, true, tell)
  const response = headerFields(wish.ResponseHeaders, `${where}.ResponseHeaders`, false, tell)
  const uri = takesPathGroup ? `$(uri_captures['${PATH_GROUP}'])` : null
  return {
    request: request === null && uri === null ? null : { ...(request ?? NOTHING), 'config.replace.uri': uri },
    response,
  }
}

const NOTHING: Fields = {
  'config.remove.headers': [],
  'config.replace.headers': [],
  'config.add.headers': [],
  'config.append.headers': [],
}

type Modifiers = RouteDestinationDocument['RequestHeaders']

/** Set: replace what is there, add what is not. Add: append. Kong removes first, appends last. */
function headerFields(said: Modifiers, where: string, isRequest: boolean, tell: Tell): Fields | null {
  const entriesOf = (field: 'Set' | 'Add') =>
    Object.entries(said?.[field] ?? {})
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .filter(([name, value]) => isWritable(name, value, `${where}.${field}`, isRequest, tell))
      .map(([name, value]) => `${name}:${value}`)
  const set = entriesOf('Set')
  const add = entriesOf('Add')
  const remove = [...new Set(said?.Remove ?? [])]
    .sort()
    .filter((name) => isName(name, `${where}.Remove`, isRequest, tell))
  if (set.length + add.length + remove.length === 0) return null
  return {
    'config.remove.headers': remove,
    'config.replace.headers': set,
    'config.add.headers': set,
    'config.append.headers': add,
  }
}

function isWritable(name: string, value: string, where: string, isRequest: boolean, tell: Tell): boolean {
  if (!isName(name, where, isRequest, tell)) return false
  const leave = (why: string): false => {
    tell('ENTRY_UNSUPPORTED', 'warning', `${where}.${name} ${why}; it is left out`)
    return false
  }
  if (value === '') return leave('is empty, which Kong does not write')
  if (/%[A-Z_]+(?:\(.*\))?%/.test(value)) return leave('uses a variable of Envoy')
  if (isRequest && value.includes('$(')) return leave('has $(, which Kong would take for a template')
  if (value.startsWith(':')) return leave('begins with a colon, which Kong cuts off')
  return true
}

function isName(name: string, where: string, isRequest: boolean, tell: Tell): boolean {
  // What Kong routes, balances and names the service by.
  const isKept = isRequest && name.toLowerCase() === 'host'
  if (/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !isKept) return true
  tell('ENTRY_UNSUPPORTED', 'warning', `${where}: ${name} is no header that can be changed; it is left out`)
  return false
}

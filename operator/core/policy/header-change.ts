/** Header changes of a route, as steps for Kong's request- and response-transformer. */

import type { HeaderSteps } from '../plugin-settings/header-fields.ts'
import type { RouteHeaders } from '../plugin-settings/plugin-configs.ts'
import { changeableHeader } from '../plugin-settings/traffic-shape.ts'
import type { RouteDestinationDocument, Tell } from './compile-chain.ts'

/** The path that is sent on: a part of the one that was asked for, by the name of the group in the route's regex. */
export const PATH_GROUP = 'mesh_path'

export function routeHeadersOf(
  wish: RouteDestinationDocument,
  takesPathGroup: boolean,
  where: string,
  tell: Tell,
): RouteHeaders {
  return {
    request: headerSteps(wish.RequestHeaders, `${where}.RequestHeaders`, true, tell),
    response: headerSteps(wish.ResponseHeaders, `${where}.ResponseHeaders`, false, tell),
    uri: takesPathGroup ? `$(uri_captures['${PATH_GROUP}'])` : null,
  }
}

type Modifiers = RouteDestinationDocument['RequestHeaders']

/** Set: replace what is there, add what is not. Add: append. Kong removes first, appends last. */
function headerSteps(said: Modifiers, where: string, isRequest: boolean, tell: Tell): HeaderSteps | null {
  const entriesOf = (field: 'Set' | 'Add') =>
    Object.entries(said?.[field] ?? {})
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .filter(([name, value]) => isWritable(name, value, `${where}.${field}`, isRequest, tell))
  const set = entriesOf('Set')
  const add = entriesOf('Add')
  const remove = [...new Set(said?.Remove ?? [])]
    .sort()
    .filter((name) => isName(name, `${where}.Remove`, isRequest, tell))
  if (set.length + add.length + remove.length === 0) return null
  return { remove, rename: [], set, add }
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
  // Of answers too: Kong's access log names the service by what is in them.
  const { error } = changeableHeader.safeParse(name)
  if (error === undefined || (!isRequest && name.toLowerCase() === 'host')) return true
  const why = error.issues[0]?.message ?? 'is no name that Kong takes'
  tell('ENTRY_UNSUPPORTED', 'warning', `${where}: ${name} ${why}; it is left out`)
  return false
}

/** What a route of a service-router matches, in what Kong's router (traditional_compatible) can look at. */

import { fromBytes, normalisePath, toBytes } from '../../../kong/gateway/router/normalise-path.ts'
import { regexFault } from '../regex-fault.ts'
import type { RouteMatchDocument, Tell } from './compile-chain.ts'

export interface PathTerm {
  readonly kind: 'prefix' | 'exact' | 'regex'
  /** Normalised as Kong does it with requests; '' for a regex. */
  readonly literal: string
  /** Regular expression for the whole term, without anchors; of a prefix for the prefix alone. */
  readonly source: string
  readonly ignoresCase: boolean
}

export interface RouteTerms {
  readonly path: PathTerm
  /** Empty: any. */
  readonly methods: readonly string[]
  /** One value a header, as Kong has it: text, or `~*` and a regular expression. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

/** Any value, also an empty one. */
export const PRESENT = '~*.*'

/** null: Kong cannot match it, which was told; the route is to be left out. */
export function routeTerms(match: RouteMatchDocument, where: string, tell: Tell): RouteTerms | null {
  const refuse = (field: string, why: string): null => {
    const rest = 'the route is left out and its requests go to the routes after it'
    tell('ENTRY_UNSUPPORTED', 'warning', `${where}.Match.HTTP.${field} ${why}; ${rest}`)
    return null
  }
  if ((match.QueryParam ?? []).length > 0) {
    return refuse('QueryParam', 'needs router_flavor expressions, which kongsul does not write')
  }
  const path = pathTerm(match)
  if (typeof path === 'string') return refuse('PathRegex', path)
  if (/[?#]/.test(path.literal)) {
    return refuse(
      match.PathExact ? 'PathExact' : 'PathPrefix',
      'has ? or #, which no path that is matched has',
    )
  }
  const headers: Record<string, string> = {}
  for (const [index, header] of (match.Header ?? []).entries()) {
    const field = `Header[${index}]`
    const value = headerValue(header)
    if (typeof value !== 'string') return refuse(`${field}${value.at ?? ''}`, value.why)
    const name = header.Name.toLowerCase()
    if (!/^[a-z0-9_-]+$/.test(name) || name === 'host') {
      return refuse(field, `names ${header.Name}, which Kong cannot match as a header`)
    }
    const key = name.replaceAll('_', '-')
    const both = and(headers[key], value)
    if (both === null) return refuse(field, 'is a second condition on one header, of which Kong takes one')
    headers[key] = both
    if (/[A-Z]/.test(header.Exact ?? header.Prefix ?? header.Suffix ?? header.Regex ?? '')) {
      const what = `${where}.Match.HTTP.${field}: Kong compares values of headers without regard to case`
      tell('ENTRY_HEADER_CASE', 'info', what)
    }
  }
  const asked = (match.Methods ?? []).map((each) => each.toUpperCase())
  const methods = asked.filter((each) => /^[A-Z]+$/.test(each))
  const others = asked.filter((each) => !methods.includes(each)).join(', ')
  if (asked.length > 0 && methods.length === 0) {
    return refuse('Methods', `has ${others}, which Kong cannot match`)
  }
  if (others !== '') {
    const what = `${where}.Match.HTTP.Methods has ${others}, which Kong cannot match; it is left out`
    tell('ENTRY_UNSUPPORTED', 'warning', what)
  }
  return { path, methods, headers }
}

/** Both conditions on one header as one; null where Kong has no words for it, 'never' is told by `contradict`. */
export function and(one: string | undefined, other: string): string | null {
  if (one === undefined || one === PRESENT || one === other) return other
  return other === PRESENT ? one : null
}

/** Can no value fulfil both? */
export const contradict = (one: string, other: string): boolean =>
  !one.startsWith('~*') && !other.startsWith('~*') && one.toLowerCase() !== other.toLowerCase()

/** Whether some path may fulfil both; of regular expressions it is assumed. */
export function pathsMeet(one: PathTerm, other: PathTerm): boolean {
  if (one.kind === 'regex' || other.kind === 'regex') return true
  const fold = (term: PathTerm) =>
    one.ignoresCase || other.ignoresCase ? term.literal.toLowerCase() : term.literal
  const [left, right] = [fold(one), fold(other)]
  if (one.kind === 'exact' && other.kind === 'exact') return left === right
  if (one.kind === 'exact') return left.startsWith(right)
  if (other.kind === 'exact') return right.startsWith(left)
  return left.startsWith(right) || right.startsWith(left)
}

/** Text as a regular expression that matches it and nothing else. */
export function escapeRegex(text: string, ignoresCase = false): string {
  const escaped = text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')
  return ignoresCase
    ? escaped.replace(/[A-Za-z]/g, (letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`)
    : escaped
}

function pathTerm(match: RouteMatchDocument): PathTerm | string {
  const ignoresCase = match.CaseInsensitive ?? false
  if (match.PathRegex) {
    const bare = match.PathRegex.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')
    const fault = regexFault(`(?:${bare})`)
    if (fault !== null) return `is no regular expression for Kong (${fault})`
    if (bare.includes('//')) return 'asks for //, which Kong makes / before it matches'
    return { kind: 'regex', literal: '', source: ignoresCase ? `(?i:${bare})` : bare, ignoresCase }
  }
  const kind = match.PathExact ? 'exact' : 'prefix'
  const literal = normalised(match.PathExact || match.PathPrefix || '/')
  return { kind, literal, source: escapeRegex(literal, ignoresCase), ignoresCase }
}

const normalised = (path: string): string => fromBytes(normalisePath(toBytes(path))) ?? path

type HeaderMatch = NonNullable<RouteMatchDocument['Header']>[number]

function headerValue(header: HeaderMatch): string | { readonly at?: string; readonly why: string } {
  if (header.Invert) {
    return { at: '.Invert', why: 'needs router_flavor expressions, which kongsul does not write' }
  }
  if (header.Exact) {
    return header.Exact.startsWith('~*') ? `~*^${escapeRegex(header.Exact)}$` : header.Exact
  }
  if (header.Prefix) return `~*^${escapeRegex(header.Prefix)}`
  if (header.Suffix) return `~*${escapeRegex(header.Suffix)}$`
  if (header.Regex) return headerRegex(header.Regex)
  return header.Present ? PRESENT : { why: 'says no condition: give Present, Exact, Prefix, Suffix or Regex' }
}

/** Kong lowers the text of the expression: what an upper-case escape means has to be said otherwise. */
function headerRegex(text: string): string | { readonly why: string } {
  const lowered = text
    .replaceAll(/\\D/g, '[^0-9]')
    .replaceAll(/\\W/g, '[^0-9a-z_]')
    .replaceAll(/\\S/g, '[^ \\t\\r\\n\\f\\v]')
  if (/\\[A-Z]/.test(lowered)) return { why: 'has an upper-case escape, which Kong makes lower case' }
  const fault = regexFault(`^(?:${lowered.toLowerCase()})$`)
  return fault === null ? `~*^(?:${lowered})$` : { why: `is no regular expression for Kong (${fault})` }
}

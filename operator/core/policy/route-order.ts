/**
 * First match wins in Consul; in Kong it is how much a route asks for (kong/router/transform.lua, get_priority): the
 * kinds of its conditions, then the number of headers and the priority of its regex, in either order, since what 3.9.1
 * computes differs from what it documents. All routes made here have a regex path, whose priority follows Consul's
 * order. Where a later route asks for more than an earlier one, the earlier one is there a second time with those
 * conditions as well: what both match then goes to the earlier one whatever Kong counts.
 */

import { and, contradict, pathsMeet, type RouteTerms } from './route-terms.ts'

export interface OrderedTerms extends RouteTerms {
  /** Index into the list that was given. */
  readonly of: number
  /** `regex_priority` that keeps the order. */
  readonly regexPriority: number
}

export interface RouteOrder {
  readonly routes: readonly OrderedTerms[]
  /** Pairs whose order Kong will not keep: `later` gets some requests that belong to `earlier`. */
  readonly broken: readonly { readonly earlier: number; readonly later: number }[]
  /** From here on routes do not fit into Kong's priorities and are left out; null: all fit. */
  readonly leftOutFrom: number | null
}

/** More copies than this are not made for one service. */
const MOST_ROUTES = 500

/** Bits of a regex priority that stay clear of the kinds of conditions above them. */
const PRIORITY_BITS = 10

/** @param all in the order in which they are to be tried */
export function orderRoutes(all: readonly RouteTerms[]): RouteOrder {
  const mostHeaders = Math.max(3, ...all.map(({ headers }) => Object.keys(headers).length))
  // Copies have headers of two routes, and numbers of headers lie over the lowest bits of the priority.
  const shift = 1 + Math.ceil(Math.log2(mostHeaders + 1))
  const room = 2 ** (PRIORITY_BITS - shift) - 1
  const fitting = all.slice(0, room)
  const broken: { earlier: number; later: number }[] = []
  let later: { readonly of: number; readonly terms: RouteTerms }[] = []
  for (let of = fitting.length - 1; of >= 0; of -= 1) {
    const own = fitting[of]!
    const made = new Map<string, RouteTerms>([[termsKey(own), own]])
    for (const each of later) {
      if (!mayOutrank(each.terms, own) || !meet(own, each.terms)) continue
      const both = intersection(own, each.terms)
      const fits = both !== null && made.size + later.length < MOST_ROUTES
      if (fits && Object.keys(both.headers).length < 2 ** (shift - 1)) made.set(termsKey(both), both)
      else if (!broken.some(({ earlier, later: than }) => earlier === of && than === each.of)) {
        broken.push({ earlier: of, later: each.of })
      }
    }
    later = [...[...made.values()].map((terms) => ({ of, terms })), ...later]
  }
  // The same conditions a second time are never reached.
  const seen = new Set<string>()
  const first = later.filter(({ terms }) => !seen.has(termsKey(terms)) && seen.add(termsKey(terms)))
  const routes = first.map(({ of, terms }) => ({
    ...terms,
    of,
    regexPriority: (fitting.length - of) * 2 ** shift,
  }))
  return { routes, broken, leftOutFrom: all.length > room ? room : null }
}

/** One text for equal conditions. */
export function termsKey({ path, methods, headers }: RouteTerms): string {
  const sorted = Object.entries(headers).sort(([left], [right]) => (left < right ? -1 : 1))
  return JSON.stringify([path.kind, path.source, [...methods].sort(), sorted])
}

const kindsOf = ({ methods, headers }: RouteTerms): number =>
  (methods.length > 0 ? 1 : 0) + (Object.keys(headers).length > 0 ? 1 : 0)

function mayOutrank(one: RouteTerms, other: RouteTerms): boolean {
  const [left, right] = [kindsOf(one), kindsOf(other)]
  if (left !== right) return left > right
  return Object.keys(one.headers).length > Object.keys(other.headers).length
}

/** May some request fulfil both? */
function meet(one: RouteTerms, other: RouteTerms): boolean {
  if (!pathsMeet(one.path, other.path)) return false
  const isSomeMethod = one.methods.some((method) => other.methods.includes(method))
  if (one.methods.length > 0 && other.methods.length > 0 && !isSomeMethod) return false
  return !Object.entries(one.headers).some(
    ([name, value]) => other.headers[name] !== undefined && contradict(value, other.headers[name]),
  )
}

/** The first with the methods and headers of the second as well; null where Kong has no words for it. */
function intersection(one: RouteTerms, other: RouteTerms): RouteTerms | null {
  const headers: Record<string, string> = { ...one.headers }
  for (const [name, value] of Object.entries(other.headers)) {
    const both = and(headers[name], value)
    if (both === null) return null
    headers[name] = both
  }
  const methods =
    one.methods.length === 0
      ? other.methods
      : other.methods.length === 0
        ? one.methods
        : one.methods.filter((method) => other.methods.includes(method))
  return { path: one.path, methods, headers }
}

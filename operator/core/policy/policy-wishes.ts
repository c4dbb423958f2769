/** The routes of a service-router below one route of the service: its host, its prefix, or one of its own. */

import { pathError } from '../../../kong/gateway/schema/uri-path.ts'
import type { RouteWish } from '../route-wishes.ts'
import { hashOf } from '../tags.ts'
import type { Chain, ChainRoute, Tell } from './compile-chain.ts'
import { orderRoutes, termsKey } from './route-order.ts'
import { routePaths } from './route-paths.ts'
import { and, type RouteTerms, routeTerms } from './route-terms.ts'

export interface WishedRoute {
  readonly route: ChainRoute
  readonly wish: RouteWish
  readonly servicePath: string | null
  readonly takesPathGroup: boolean
}

/** All but the last of the chain, which is the wish itself. */
export function wishedRoutes(wish: RouteWish, chain: Chain, tell: Tell): readonly WishedRoute[] {
  const routed = chain.routes.filter(({ index }) => index !== null)
  if (routed.length === 0) return []
  const where = (route: ChainRoute): string => `service-router ${chain.service}: Routes[${route.index}]`
  if (wish.paths.some((path) => path.startsWith('~')) || (wish.paths.length > 0 && !wish.stripPath)) {
    const why = 'its path is a regular expression, or is not stripped'
    const what = `route ${wish.name} of ${chain.service}: ${why}; service-router ${chain.service} has no effect on it`
    tell('ENTRY_UNSUPPORTED', 'warning', what)
    return []
  }
  const fitting: { readonly route: ChainRoute; readonly terms: RouteTerms }[] = []
  for (const route of routed) {
    const terms = routeTerms(route.match, where(route), tell)
    const both = terms === null ? null : below(wish, terms, where(route), tell)
    if (both !== null) fitting.push({ route, terms: both })
  }
  const order = orderRoutes(fitting.map(({ terms }) => terms))
  for (const { earlier, later } of order.broken) {
    const [first, second] = [where(fitting[earlier]!.route), where(fitting[later]!.route)]
    const why = `some requests that ${first} matches as well: Kong goes by the number of conditions`
    tell('ENTRY_ORDER', 'warning', `${second} takes ${why}; make the earlier one as narrow`)
  }
  if (order.leftOutFrom !== null) {
    const first = where(fitting[order.leftOutFrom]!.route)
    tell(
      'ENTRY_ORDER',
      'error',
      `${first} and all after it are left out: Kong has no more priorities to order them by`,
    )
  }
  return order.routes.flatMap(({ of, regexPriority, ...terms }) => {
    const { route } = fitting[of]!
    return kongRoutes(wish, route, terms, regexPriority, rewriteOf(wish, route, terms, where(route), tell))
  })
}

/** '' for none, or for one that Kong cannot do. */
function rewriteOf(wish: RouteWish, route: ChainRoute, terms: RouteTerms, where: string, tell: Tell): string {
  const rewrite = route.wish.PrefixRewrite ?? ''
  const refuse = (why: string): string => {
    const field = `${where}.Destination.PrefixRewrite`
    tell('ENTRY_UNSUPPORTED', 'error', `${field} ${why}; the path is sent on as it is`)
    return ''
  }
  if (rewrite === '') return ''
  if (terms.path.kind === 'regex') return refuse('needs PathPrefix or PathExact')
  if (!wish.stripPath) return refuse('has no effect where nothing is stripped, as with gRPC')
  if (pathError(rewrite) !== undefined || rewrite.includes('//')) return refuse('is no path for Kong')
  return rewrite
}

function kongRoutes(
  wish: RouteWish,
  route: ChainRoute,
  terms: RouteTerms,
  regexPriority: number,
  rewrite: string,
): WishedRoute[] {
  const paths = routePaths(terms.path, wish.paths, rewrite)
  return paths.map(({ path, stripPath, servicePath, takesPathGroup }, index) => ({
    route,
    servicePath,
    takesPathGroup,
    wish: {
      ...wish,
      // By what it matches, so that a route put in before others changes only their priorities.
      name: `${wish.name}._${hashOf([termsKey(terms), route.index === null ? 0 : index])}`,
      paths: [path],
      methods: terms.methods,
      headers: Object.fromEntries(Object.entries(terms.headers).map(([name, value]) => [name, [value]])),
      stripPath,
      regexPriority,
    },
  }))
}

/** The conditions of a route of the service's own as well; null: no request fulfils both, or Kong cannot say it. */
function below(wish: RouteWish, terms: RouteTerms, where: string, tell: Tell): RouteTerms | null {
  const methods =
    wish.methods.length === 0
      ? terms.methods
      : terms.methods.length === 0
        ? wish.methods
        : terms.methods.filter((method) => wish.methods.includes(method))
  if (methods.length === 0 && (wish.methods.length > 0 || terms.methods.length > 0)) return null
  const headers: Record<string, string> = { ...terms.headers }
  for (const [name, values] of Object.entries(wish.headers)) {
    const key = name.toLowerCase().replaceAll('_', '-')
    const both = values.length === 1 ? and(headers[key], values[0]!) : null
    if (both === null) {
      const what = `${where} has no effect on route ${wish.name}: Kong takes one condition on header ${name}`
      tell('ENTRY_UNSUPPORTED', 'warning', what)
      return null
    }
    headers[key] = both
  }
  return { path: terms.path, methods, headers }
}

/** Paths of Kong routes for one route of a service-router, below a host or below a prefix that is stripped. */

import { escapePath, toBytes } from '../../../kong/gateway/router/normalise-path.ts'
import { pathError } from '../../../kong/gateway/schema/uri-path.ts'
import { PATH_GROUP } from './header-change.ts'
import { escapeRegex, type PathTerm } from './route-terms.ts'

export interface RoutePath {
  /** Begins with `~`. */
  readonly path: string
  readonly stripPath: boolean
  /** `path` of the Kong service; null: none. */
  readonly servicePath: string | null
  /** Is what is sent on the group of this name in the regex? */
  readonly takesPathGroup: boolean
}

/**
 * Kong strips what the whole regex matched, so what a service shall see of it comes back as the path of the Kong
 * service, or out of a group of the regex where neither will do.
 * @param prefixes what is stripped before Consul's routes look at the path: empty, or prefixes of one route of ours
 * @param rewrite PrefixRewrite, '' for none
 */
export function routePaths(
  term: PathTerm,
  prefixes: readonly string[],
  rewrite: string,
): readonly RoutePath[] {
  const bare = prefixes.map((prefix) => prefix.replace(/\/$/, ''))
  const base = anyOf(bare.map((prefix) => escapeRegex(prefix)))
  const whole = `~${base}${term.kind === 'regex' ? `${base === '' ? '/{0}' : ''}(?:${term.source})` : term.source}`
  const path = term.kind === 'prefix' ? whole : `${whole}$`
  const plain = { path, stripPath: false, servicePath: null, takesPathGroup: false }
  if (rewrite !== '') return [{ ...plain, stripPath: true, servicePath: rewrite === '/' ? null : rewrite }]
  if (prefixes.length === 0) return [plain]
  const literal = escapePath(toBytes(term.literal))
  if (term.kind !== 'regex' && !term.ignoresCase && pathError(literal) === undefined) {
    const servicePath = literal === '/' ? null : literal
    const stripped = { ...plain, stripPath: true, servicePath }
    if (term.kind === 'exact' || term.literal.endsWith('/')) return [stripped]
    // `/x` also begins `/xy`, where nothing lies between what is stripped and the rest.
    return [{ ...stripped, path: `${path}(?:/|$)` }, grouped(base, term)]
  }
  return [grouped(base, term)]
}

function grouped(base: string, term: PathTerm): RoutePath {
  const rest = term.kind === 'prefix' ? '.*' : ''
  return {
    path: `~${base}(?P<${PATH_GROUP}>${term.source}${rest})$`,
    stripPath: false,
    servicePath: null,
    takesPathGroup: true,
  }
}

/** Must begin with `/` for Kong. */
const anyOf = (texts: readonly string[]): string =>
  texts.length < 2 ? (texts[0] ?? '') : `/{0}(?:${texts.join('|')})`

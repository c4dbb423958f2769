/**
 * The path sent on: service path joined with what is left of the request path. Both values of path_handling join like
 * this with the traditional_compatible router; `v1` differs only in the older router flavour.
 */
export function joinUpstreamPath(
  servicePath: string | null,
  requestPath: string,
  matchedPrefix: string | null,
  stripPath: boolean,
): string {
  const base = servicePath ?? '/'
  const baseOpen = base.endsWith('/')
  if (!stripPath) {
    if (baseOpen) return base + requestPath.slice(1)
    return requestPath === '/' ? base : base + requestPath
  }
  const rest = withoutDots(requestPath.slice((matchedPrefix ?? '/').length))
  if (rest === '') return joinNothing(base, requestPath)
  const bare = baseOpen ? base.slice(0, -1) : base
  return rest.startsWith('/') ? bare + rest : `${bare}/${rest}`
}

/** Nothing is left after stripping: the client's own trailing slash decides. */
function joinNothing(base: string, requestPath: string): string {
  const open = requestPath.length > 1 && requestPath.endsWith('/')
  if (base === '/') return '/'
  if (base.endsWith('/')) return requestPath.endsWith('/') ? base : base.slice(0, -1)
  return open ? `${base}/` : base
}

/** Stripping `/a` from `/a../b` must not leave a dot segment at the front. */
function withoutDots(rest: string): string {
  if (rest === '.' || rest === '..') return ''
  if (rest.startsWith('./')) return rest.slice(2)
  if (rest.startsWith('../')) return rest.slice(3)
  return rest
}

import type { HashOn, UpstreamRow } from './upstream-row.ts'

/** What a request offers for hashing. */
export interface HashSource {
  readonly clientIp: string
  /** Percent-decoded and normalised. */
  readonly path: string
  readonly consumerId: string | undefined
  readonly captures: Readonly<Record<string, string>> | null
  /** All headers of a name joined by ', '; names are compared in lower case with dashes turned to underscores. */
  readonly variable: (underscored: string) => string | undefined
  readonly cookie: (name: string) => string | undefined
  /** Values of a query argument; true for one without value. */
  readonly queryArgument: (name: string) => readonly (string | true)[] | undefined
}

export interface HashInput {
  /** '' when nothing was found: all such requests go to one target. */
  readonly value: string
  /** True when the cookie has to be made and sent to the client. */
  readonly needsCookie: boolean
}

/**
 * What the upstream's rule says to hash. The trap, kept: a configured header name with a dash names an nginx variable
 * that never exists, so it finds nothing; the same name with an underscore finds the header with the dash.
 */
export function hashInput(upstream: UpstreamRow, source: HashSource): HashInput {
  const first = find(upstream.hash_on, 'hash_on', upstream, source)
  if (first !== undefined) return first
  return find(upstream.hash_fallback, 'hash_fallback', upstream, source) ?? { value: '', needsCookie: false }
}

function find(
  on: HashOn,
  field: 'hash_on' | 'hash_fallback',
  upstream: UpstreamRow,
  source: HashSource,
): HashInput | undefined {
  // A missing hash_on ends the search: the fallback is for what the request lacks, not for no rule.
  if (on === 'none') return field === 'hash_on' ? { value: '', needsCookie: false } : undefined
  if (on === 'cookie') {
    const cookie = source.cookie(upstream.hash_on_cookie ?? '')
    return { value: cookie ?? '', needsCookie: cookie === undefined }
  }
  const value = plainValue(on, field, upstream, source)
  return value === undefined ? undefined : { value, needsCookie: false }
}

function plainValue(
  on: HashOn,
  field: 'hash_on' | 'hash_fallback',
  upstream: UpstreamRow,
  source: HashSource,
): string | undefined {
  switch (on) {
    case 'consumer':
      return source.consumerId
    case 'ip':
      return source.clientIp
    case 'header': {
      const name = (upstream[`${field}_header`] ?? '').toLowerCase()
      return name.includes('-') ? undefined : source.variable(name)
    }
    case 'path':
      return source.path
    case 'query_arg':
      return joinArguments(source.queryArgument(upstream[`${field}_query_arg`] ?? ''))
    case 'uri_capture':
      return source.captures?.[upstream[`${field}_uri_capture`] ?? '']
    default:
      return undefined
  }
}

function joinArguments(values: readonly (string | true)[] | undefined): string | undefined {
  return values && [...values].map(String).sort().join(',')
}

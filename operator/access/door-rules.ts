/** Who may pass which door. Pure; docs/access.md has the same table. */

import type { Door } from '../http/endpoint.ts'
import type { Rights } from './parse-tokens.ts'

export interface Visit {
  /** `legacy` counts as `call` where it writes, and as `read` otherwise. */
  readonly door: Exclude<Door, 'legacy'>
  /** From a network whose old clients need no token, at a route of the old API. */
  readonly isExempt?: boolean
  /** Does the API listen on loopback alone? */
  readonly isLoopback: boolean
  /** Of the token that was shown: null for none, unknown for one that nobody has. */
  readonly rights: Rights | 'unknown' | null
}

export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly status: 401 | 403; readonly why: string }

const PASS: Verdict = { ok: true }

/** `open` for everybody, `internal` by its own token. On loopback no token is needed, and one that is not known is no harm. */
export function mayPass({ door, isLoopback, rights, isExempt = false }: Visit): Verdict {
  if (door === 'open' || door === 'internal') return PASS
  if (rights === null || rights === 'unknown') {
    if (isLoopback || isExempt) return PASS
    return refused(
      401,
      rights === null ? 'a token is needed: Authorization: Bearer TOKEN' : 'the token is not known',
    )
  }
  if (rights === 'write') return PASS
  if (rights === 'ingest') return door === 'ingest' ? PASS : refused(403, 'this token may only send spans')
  return door === 'read' ? PASS : refused(403, 'this token may only read')
}

/** A page of another site that a browser shows must not write, not even where no token is needed. */
export function isForeign(headers: {
  readonly origin?: string | undefined
  readonly host?: string | undefined
  readonly 'sec-fetch-site'?: string | readonly string[] | undefined
}): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  const { origin, host } = headers
  if (origin === undefined) return false
  return !URL.canParse(origin) || new URL(origin).host !== host?.toLowerCase()
}

const refused = (status: 401 | 403, why: string): Verdict => ({ ok: false, status, why })

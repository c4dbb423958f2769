/** Paths of services and routes. */

import type { Field } from '../field.ts'
import { pcreError } from '../pcre.ts'
import { normalizePath, pathError } from '../uri-path.ts'

const NO_EMPTY_SEGMENTS = [{ pattern: '//', err: 'must not have empty segments' }]

export const PATH: Field = {
  type: 'string',
  starts_with: '/',
  match_none: NO_EMPTY_SEGMENTS,
  custom_validator: (path) => pathError(String(path))?.text,
}

/** A prefix, or after `~` a regular expression. */
export const ROUTE_PATHS: Field = {
  type: 'array',
  elements: {
    type: 'string',
    match_any: {
      patterns: ['^/', '^~/'],
      err: 'should start with: / (fixed path) or ~/ (regex path)',
    },
    match_none: NO_EMPTY_SEGMENTS,
    custom_validator: (value) => routePathError(String(value)),
  },
}

/** Characters outside RFC 3986 are let through here, bad escapes and paths that are not normalised are not. */
function routePathError(path: string): string | undefined {
  if (path.startsWith('~')) {
    const error = pcreError(path.slice(1))
    return error && `invalid regex: '${path.slice(1)}' (PCRE returned: ${error})`
  }
  const bad = pathError(path)
  if (bad?.kind === 'escape') return bad.text
  const normalized = normalizePath(path)
  return path === normalized ? undefined : `non-normalized path, consider use '${normalized}' instead`
}

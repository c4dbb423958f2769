/** Names, tags and tokens. */

import type { CustomValidator, Field } from '../field.ts'
import { luaMatch } from '../lua-pattern.ts'

/** Entity names: letters, digits, `. - _ ~` and any UTF-8 beyond ASCII. */
export const UTF8_NAME: Field = {
  type: 'string',
  unique: true,
  custom_validator: (name) =>
    /^[\w.\-~\u0080-\u{10ffff}]+$/u.test(String(name))
      ? undefined
      : `invalid value '${name}': the only accepted ascii characters are alphanumerics or ., -, _, and ~`,
}

/** Printable ASCII except `,` and `/`, and any UTF-8 beyond ASCII. */
export const TAG: Field = {
  type: 'string',
  required: true,
  custom_validator: (tag) =>
    /^[ -+\-.0-~\u0080-\u{10ffff}]+$/u.test(String(tag))
      ? undefined
      : `invalid tag '${tag}': expected printable ascii (except \`,\` and \`/\`) or valid utf-8 sequences`,
}

export const TAGS: Field = { type: 'set', elements: TAG }

export const HTTP_METHOD: Field = { type: 'string', match: '^%u+$' }

export const isHeaderName = (name: string): boolean => /^[A-Za-z0-9_-]+$/.test(name)

export const HEADER_NAME: Field = {
  type: 'string',
  custom_validator: (name) => {
    if (name === '') return 'no header name provided'
    if (isHeaderName(String(name))) return undefined
    return `bad header name '${name}', allowed characters are A-Z, a-z, 0-9, '_', and '-'`
  },
}

export const HEADERS: Field = {
  type: 'map',
  keys: HEADER_NAME,
  values: { type: 'array', elements: { type: 'string' } },
}

/** An RFC 2616 token. */
export const COOKIE_NAME: Field = {
  type: 'string',
  custom_validator: (name) => {
    if (name === '') return 'no token provided'
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    if (!/[\x00-\x1f\x7f-\uffff \t()<>@,;:\\"/?={}[\]]/.test(String(name))) return undefined
    return (
      'contains one or more invalid characters. ASCII control characters (0-31;127), space, tab and the ' +
      'characters ()<>@,;:\\"/?={}[] are not allowed.'
    )
  },
}

/** Headers written `name:value` in the configuration of the transformers. */
export const headerPair =
  (isValueHeader: boolean): CustomValidator =>
  (pair) => {
    const [name = '', value = ''] = luaMatch(String(pair), '^([^:]+):*(.-)$') ?? ['nil']
    if (!isHeaderName(name)) return `'${name}' is not a valid header`
    return isValueHeader && !isHeaderName(value) ? `'${value}' is not a valid header` : undefined
  }

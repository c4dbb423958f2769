/** How nginx escapes variables in access logs. Undefined is a variable that was not found. Byte strings in and out. */
export type Escape = (value: string | undefined) => string

const upperHex = (character: string): string =>
  character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')

const JSON_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const JSON_SPECIAL = /["\\\0-\x1f]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const JSON_SPECIAL_ALL = /["\\\0-\x1f]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const DEFAULT_SPECIAL_ALL = /["\\\0-\x1f\x7f-\xff]/g

export const ESCAPES = {
  json: (value) => {
    if (value === undefined) return ''
    if (!JSON_SPECIAL.test(value)) return value
    return value.replace(JSON_SPECIAL_ALL, (special) => JSON_ESCAPES[special] ?? `\\u00${upperHex(special)}`)
  },
  default: (value) =>
    value === undefined ? '-' : value.replace(DEFAULT_SPECIAL_ALL, (special) => `\\x${upperHex(special)}`),
  none: (value) => value ?? '',
} satisfies Record<string, Escape>

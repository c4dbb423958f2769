/**
 * Text as Lua makes it: numbers, quoted strings and tables inside Kong's messages (Penlight's pretty writer).
 * Layout rules: https://lunarmodules.github.io/Penlight/libraries/pl.pretty.html
 */

import type { FieldError } from './field-errors.ts'
import { isTable, type TableKey, type Value } from './table.ts'

/** A number as Lua's tostring writes it (14 significant digits). */
export function luaNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value)
  const text = String(Number(value.toPrecision(14)))
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

export const luaString = (value: Value | undefined): string =>
  typeof value === 'number' ? luaNumber(value) : value === null ? 'userdata: NULL' : String(value ?? 'nil')

/** On several lines, indented by two spaces, as inside schema violations. */
export const prettyLines = (value: Value | FieldError): string => write(value, '', '  ')

/** On one line without spaces (`{name="s1"}`), as in key violations. */
export const prettyLine = (value: Value | FieldError): string => write(value, '', '')

const KEYWORDS = new Set(
  'and break do else elseif end false for function if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
)

type Writable = Value | FieldError

function write(value: Writable, indent: string, step: string): string {
  if (typeof value === 'string') return quote(value)
  if (!(value instanceof Map) && !isTable(value)) {
    const text = luaString(value)
    return text.includes(' ') ? quote(text) : text
  }
  const entries = new Map<TableKey, Writable>(
    value instanceof Map
      ? value
      : Array.isArray(value)
        ? value.map((item, index) => [index + 1, item])
        : Object.entries(value),
  )
  const inner = indent + step
  const lines: string[] = []
  let position = 1
  for (; entries.has(position); position++) {
    lines.push(inner + write(entries.get(position) as Writable, inner, step))
  }
  const equals = step === '' ? '=' : ' = '
  const rest = [...entries.keys()].filter((key) => typeof key === 'string' || key >= position || key < 1)
  const names = rest.filter((key) => typeof key === 'string').sort(byBytes)
  for (const key of [...names, ...rest.filter((key) => typeof key === 'number')]) {
    const written = typeof key === 'string' && isIdentifier(key) ? key : `[${keyText(key)}]`
    lines.push(`${inner}${written}${equals}${write(entries.get(key) as Writable, inner, step)}`)
  }
  const newline = step === '' ? '' : '\n'
  if (lines.length === 0) return `{${newline}${indent}}`
  return `{${newline}${lines.join(`,${newline}`)}${newline}${indent}}`
}

/** Order of Lua strings: by bytes, which for UTF-8 is the order of code points. */
export function byBytes(a: string, b: string): number {
  if (a === b) return 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const isIdentifier = (key: string): boolean => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) && !KEYWORDS.has(key)

function keyText(key: TableKey): string {
  if (typeof key === 'number') return luaNumber(key)
  const text = quote(key)
  return text.startsWith('[') ? ` ${text} ` : text
}

/** Long brackets when the text has a line break or brackets of its own, else a quoted string. */
function quote(text: string): string {
  const levels = [...`${text}]`.matchAll(/([[\]])(=*)\1/g)].map((match) => (match[2] as string).length)
  if ((text.includes('\n') || levels.length > 0) && !text.includes('\r')) {
    const signs = '='.repeat(levels.length > 0 ? Math.max(...levels) + 1 : 0)
    return `[${signs}[${text.startsWith('\n') ? '\n' : ''}${text}]${signs}]`
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what gets escaped
  const escaped = text.replace(/["\\\n]|[\x00-\x1f\x7f](?=(\d?))/g, (char, digit: string | undefined) => {
    if (char === '"' || char === '\\' || char === '\n') return `\\${char}`
    const code = String(char.charCodeAt(0))
    return `\\${digit ? code.padStart(3, '0') : code}`
  })
  return `"${escaped}"`
}

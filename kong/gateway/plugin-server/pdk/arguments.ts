import type { Unpacked } from '../message-unpack.ts'
import { PdkError } from './method.ts'

export function stringArgument(value: Unpacked | undefined, what: string): string {
  if (typeof value === 'string') return value
  throw new PdkError(`${what} must be a string`)
}

export function tableArgument(
  value: Unpacked | undefined,
  what: string,
): { readonly [key: string]: Unpacked } {
  if (Array.isArray(value)) {
    if (value.length === 0) return {}
  } else if (typeof value === 'object' && value !== null) return value
  throw new PdkError(`${what} must be a table`)
}

/** A header's name as OpenResty writes it: what may not stand in one is escaped. */
export function headerName(value: Unpacked | undefined): string {
  if (typeof value !== 'string' || value === '')
    throw new PdkError(`invalid header name ${JSON.stringify(value)}`)
  return value.replace(/[^!#$%&'*+.^_`|~0-9A-Za-z-]/g, percentEncode)
}

/** Header values as Kong takes them: text, numbers, booleans or a list of texts; an empty one becomes a blank. */
export function headerValues(name: Unpacked | undefined, value: Unpacked | undefined): string[] {
  if (typeof value === 'string') return [headerText(value)]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  if (Array.isArray(value)) {
    return value.map((item) => {
      if (typeof item === 'string') return headerText(item)
      throw new PdkError(`invalid header value in array ${JSON.stringify(name)}`)
    })
  }
  if (typeof value === 'object' && value !== null) return []
  throw new PdkError(`invalid header value for ${JSON.stringify(name)}`)
}

/** No line breaks or other control characters: they would start a header of their own. */
function headerText(value: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return value === '' ? ' ' : value.replace(/[\0-\x08\x0a-\x1f\x7f]/g, percentEncode)
}

/** Byte strings in, so each character is one byte. */
export function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

export function headersArgument(value: Unpacked | undefined): readonly (readonly [string, string[]])[] {
  return Object.entries(tableArgument(value, 'headers')).map(
    ([name, item]) => [headerName(name), headerValues(name, item)] as const,
  )
}

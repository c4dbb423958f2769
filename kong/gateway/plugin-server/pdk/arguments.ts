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

/** Header values as Kong takes them: text, numbers, booleans or a list of texts; an empty one becomes a blank. */
export function headerArgument(name: Unpacked | undefined, value: Unpacked | undefined): string[] {
  if (typeof name !== 'string') throw new PdkError(`invalid header name ${JSON.stringify(name)}`)
  if (typeof value === 'string') return [value === '' ? ' ' : value]
  if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
  if (Array.isArray(value)) {
    return value.map((item) => {
      if (typeof item !== 'string') throw new PdkError(`invalid header value in array "${name}"`)
      return item === '' ? ' ' : item
    })
  }
  if (typeof value === 'object' && value !== null) return []
  throw new PdkError(`invalid header value for "${name}"`)
}

export function headersArgument(value: Unpacked | undefined): readonly (readonly [string, string[]])[] {
  return Object.entries(tableArgument(value, 'headers')).map(
    ([name, item]) => [name, headerArgument(name, item)] as const,
  )
}

import { toBytes } from '../router/normalise-path.ts'
import type { Packable } from './message-pack.ts'

/** What Kong holds of a row or configuration: null fields are not there, strings are bytes. */
export function luaValue(value: unknown): Packable {
  if (typeof value === 'string') return toBytes(value)
  if (Array.isArray(value)) return value.map(luaValue)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, item]) => item !== null && item !== undefined)
        .map(([name, item]) => [toBytes(name), luaValue(item)]),
    )
  }
  return typeof value === 'number' || typeof value === 'boolean' ? value : null
}

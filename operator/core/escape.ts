/**
 * Consul names as parts of Kong names and tags.
 *
 * Every byte outside [A-Za-z0-9-] becomes `_` and two hex digits, so `.` is left to separate our own parts and no
 * two names become one. A `-` at the end is written `_2d`: Kong refuses host names with a label that ends in one
 * (kong/tools/ip.lua, check_hostname).
 */

import { createHash } from 'node:crypto'

/** Longest escaped name that is used as it is; longer ones end in a hash. Keeps host names under 253 characters. */
const LONGEST_PART = 200
const KEPT_OF_LONG_PART = 160

/** The reversible form, for tags: any text to [A-Za-z0-9_-]. */
export function escapeName(name: string): string {
  if (/^[A-Za-z0-9-]*$/.test(name) && !name.endsWith('-')) return name
  const bytes = Buffer.from(name, 'utf8')
  let escaped = ''
  bytes.forEach((byte, index) => {
    const isPlain = isAlphanumeric(byte) || (byte === DASH && index < bytes.length - 1)
    escaped += isPlain ? String.fromCharCode(byte) : `_${byte.toString(16).padStart(2, '0')}`
  })
  return escaped
}

/** The inverse of `escapeName`; text that it never makes is returned as it is. */
export function unescapeName(escaped: string): string {
  if (!escaped.includes('_')) return escaped
  if (!/^(?:[A-Za-z0-9-]|_[0-9a-f]{2})*$/.test(escaped)) return escaped
  const bytes: number[] = []
  for (let index = 0; index < escaped.length; index += 1) {
    if (escaped[index] === '_') {
      bytes.push(Number.parseInt(escaped.slice(index + 1, index + 3), 16))
      index += 2
    } else {
      bytes.push(escaped.charCodeAt(index))
    }
  }
  return Buffer.from(bytes).toString('utf8')
}

/**
 * The form for entity names: escaped, and shortened when very long. A shortened one has `__` before its hash, which
 * escaping alone never gives, so it meets no other name.
 */
export function escapePart(name: string): string {
  const escaped = escapeName(name)
  if (escaped.length <= LONGEST_PART) return escaped
  const head = escaped.slice(0, KEPT_OF_LONG_PART).replace(/_[0-9a-f]?$/, '')
  return `${head}__${createHash('sha256').update(name, 'utf8').digest('hex').slice(0, 32)}`
}

const DASH = 0x2d

function isAlphanumeric(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)
}

/**
 * Paths are handled as byte strings (one character per byte, as node:http delivers them), because Kong compares,
 * measures and escapes bytes. Rule: Kong 3.9 kong/tools/uri.lua.
 */

/** `/a/../b//c%41` -> `/b/cA`: what Kong's router matches. Reserved characters stay escaped, in upper case. */
export function normalisePath(rawPath: string): string {
  const path = rawPath.includes('%') ? decodeUnreserved(rawPath) : rawPath
  if (!path.includes('.') && !path.includes('//')) return path
  const segments = path.split('/')
  const kept: string[] = []
  const last = segments.length - 1
  for (let i = 1; i < last; i++) step(kept, segments[i]!)
  const tail = segments[last]!
  step(kept, tail)
  const endsOpen = last > 0 && (tail === '' || tail === '.' || tail === '..')
  if (kept.length === 0) return '/'
  return `/${kept.join('/')}${endsOpen ? '/' : ''}`
}

/** Escapes what may not stand in a request line; the counterpart of the decoding above. */
export function escapePath(path: string): string {
  return UNSAFE.test(path) ? path.replace(UNSAFE_ALL, percentEncode) : path
}

/** A configured (Unicode) path or host as the byte string that requests are compared with. */
export function toBytes(text: string): string {
  return NON_ASCII.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

/** A byte string as text; undefined when it is not UTF-8. */
export function fromBytes(bytes: string): string | undefined {
  if (!NON_ASCII.test(bytes)) return bytes
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined // not UTF-8: the caller decides
  }
}

const RESERVED = new Set([..."!*'();:@&=+$,/?%#[]"].map((character) => character.charCodeAt(0)))
const ESCAPE = /%([0-9a-fA-F]{2})/g
const UNSAFE = /[^!#$&'()*+,/:;=?@[\]A-Za-z0-9\-_.~%]/
const UNSAFE_ALL = new RegExp(UNSAFE.source, 'g')
const NON_ASCII = /[^\0-\x7f]/

function decodeUnreserved(path: string): string {
  return path.replace(ESCAPE, (match, hex: string) => {
    const code = Number.parseInt(hex, 16)
    return RESERVED.has(code) ? match.toUpperCase() : String.fromCharCode(code)
  })
}

function step(kept: string[], segment: string): void {
  if (segment === '..') kept.pop()
  else if (segment !== '.' && segment !== '') kept.push(segment)
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/**
 * Lua patterns (https://www.lua.org/manual/5.1/manual.html#5.4.1) on byte strings: `match` rules of Kong's schemas
 * and of external plugins are written in them. Translated to a RegExp once per pattern.
 */

/** The captures of the first match (the whole match when the pattern has none), or null. */
export function luaMatch(text: string, pattern: string): string[] | null {
  const found = compiled(pattern).exec(toBytes(text))
  if (!found) return null
  const captures = found.length > 1 ? found.slice(1) : [found[0]]
  return captures.map((capture) => fromBytes(capture ?? ''))
}

export const luaMatches = (text: string, pattern: string): boolean => compiled(pattern).test(toBytes(text))

const cache = new Map<string, RegExp>()

function compiled(pattern: string): RegExp {
  let regexp = cache.get(pattern)
  if (!regexp) {
    regexp = translate(toBytes(pattern))
    if (cache.size > 1000) cache.clear()
    cache.set(pattern, regexp)
  }
  return regexp
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: plain ASCII needs no conversion
const isAscii = (text: string): boolean => /^[\x00-\x7f]*$/.test(text)
const toBytes = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
const fromBytes = (text: string): string =>
  isAscii(text) ? text : Buffer.from(text, 'latin1').toString('utf8')

const CLASSES: Record<string, string> = {
  a: 'A-Za-z',
  c: '\\x00-\\x1f\\x7f',
  d: '0-9',
  l: 'a-z',
  p: '!-\\/:-@\\[-`{-~',
  s: ' \\t-\\r',
  u: 'A-Z',
  w: 'A-Za-z0-9',
  x: 'A-Fa-f0-9',
  z: '\\x00',
}

const escapeChar = (char: string): string =>
  /[A-Za-z0-9]/.test(char) ? char : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`

function translate(pattern: string): RegExp {
  let out = ''
  let at = 0
  if (pattern[0] === '^') {
    out = '^'
    at = 1
  }
  while (at < pattern.length) {
    const char = pattern[at] as string
    if (char === '(' || char === ')') {
      out += char === '(' && pattern[at + 1] === ')' ? '(?:' : char
      at++
      continue
    }
    if (char === '$' && at === pattern.length - 1) {
      out += '$'
      break
    }
    const [single, next] = translateSingle(pattern, at)
    const quantifier = pattern[next]
    if (quantifier === '*' || quantifier === '+' || quantifier === '?') out += single + quantifier
    else if (quantifier === '-') out += `${single}*?`
    else out += single
    at = quantifier !== undefined && '*+?-'.includes(quantifier) ? next + 1 : next
  }
  return new RegExp(out, 's')
}

function translateSingle(pattern: string, at: number): [text: string, next: number] {
  const char = pattern[at] as string
  if (char === '.') return ['[^]', at + 1]
  if (char === '[') return translateSet(pattern, at)
  if (char !== '%') return [escapeChar(char), at + 1]
  const escaped = pattern[at + 1] ?? '%'
  const members = CLASSES[escaped.toLowerCase()]
  if (members === undefined || !/[A-Za-z]/.test(escaped)) return [escapeChar(escaped), at + 2]
  return [`[${escaped === escaped.toUpperCase() ? '^' : ''}${members}]`, at + 2]
}

function translateSet(pattern: string, start: number): [text: string, next: number] {
  let at = start + 1
  const negated = pattern[at] === '^'
  if (negated) at++
  let members = ''
  const first = at
  while (at < pattern.length && (pattern[at] !== ']' || at === first)) {
    const char = pattern[at] as string
    if (char === '%') {
      const escaped = pattern[at + 1] ?? '%'
      const named = CLASSES[escaped.toLowerCase()]
      if (named && /[A-Za-z]/.test(escaped))
        members += escaped === escaped.toUpperCase() ? complement(named) : named
      else members += escapeChar(escaped)
      at += 2
    } else if (pattern[at + 1] === '-' && pattern[at + 2] !== undefined && pattern[at + 2] !== ']') {
      members += `${escapeChar(char)}-${escapeChar(pattern[at + 2] as string)}`
      at += 3
    } else {
      members += escapeChar(char)
      at++
    }
  }
  const text = members === '' ? (negated ? '[^]' : '[]') : `[${negated ? '^' : ''}${members}]`
  return [text, at + 1]
}

/** Members of a negated class inside a set, which a RegExp set cannot nest: every other byte, listed. */
function complement(members: string): string {
  const inside = new RegExp(`[${members}]`)
  let out = ''
  for (let code = 0; code < 256; code++) {
    if (!inside.test(String.fromCharCode(code))) out += `\\x${code.toString(16).padStart(2, '0')}`
  }
  return out
}

/**
 * Whether PCRE2 would compile a pattern, and if not its message, for the mistakes people make: brackets, quantifiers,
 * ranges, a lone backslash. nginx appends the pattern and, unless the mistake is at its end, the rest from there.
 */

/** @returns undefined for a good pattern. */
export function pcreError(pattern: string): string | undefined {
  const mistake = findMistake(pattern)
  if (!mistake) return undefined
  const rest = mistake.at < pattern.length ? ` at "${pattern.slice(mistake.at)}"` : ''
  return `pcre2_compile() failed: ${mistake.text} in "${pattern}"${rest}`
}

interface Mistake {
  readonly text: string
  /** Where PCRE2 noticed it. */
  readonly at: number
}

function findMistake(pattern: string): Mistake | undefined {
  let open = 0
  let canRepeat = false
  const names = new Set<string>()
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string
    if (char === '\\') {
      const end = escapeEnd(pattern, at)
      if (typeof end !== 'number') return end
      at = end
      canRepeat = true
    } else if (char === '[') {
      const end = endOfClass(pattern, at)
      if (typeof end !== 'number') return end
      at = end
      canRepeat = true
    } else if (char === '(') {
      open++
      canRepeat = false
      const group = groupStart(pattern, at, names)
      if (typeof group !== 'number') return group
      at = group
    } else if (char === ')') {
      if (open === 0) return { text: 'unmatched closing parenthesis', at }
      open--
      canRepeat = !/\(\?[imsxnJU^-]*$/.test(pattern.slice(0, at)) // settings alone match nothing to repeat
    } else if (isQuantifier(pattern, at)) {
      const end = endOfQuantifier(pattern, at)
      if (typeof end !== 'number') return end
      if (!canRepeat) {
        const seen = char === '{' ? pattern.indexOf('}', at) : at
        return { text: 'quantifier does not follow a repeatable item', at: seen }
      }
      at = end
      canRepeat = false
    } else {
      canRepeat = !'|^$'.includes(char)
    }
  }
  return open > 0 ? { text: 'missing closing parenthesis', at: pattern.length } : undefined
}

const COUNT = /^\{(\d+)(?:,(\d*))?\}/

const isQuantifier = (pattern: string, at: number): boolean =>
  '*+?'.includes(pattern[at] as string) || COUNT.test(pattern.slice(at))

/** Where the quantifier ends, with the `?` or `+` that may follow. */
function endOfQuantifier(pattern: string, at: number): number | Mistake {
  let end = at
  const count = COUNT.exec(pattern.slice(at))
  if (count) {
    end = at + count[0].length - 1
    const [, low = '', high] = count
    const tooBig = 'number too big in {} quantifier'
    if (Number(low) > 65535) return { text: tooBig, at: at + 1 + Math.min(low.length, 5) }
    if (Number(high ?? 0) > 65535) {
      return { text: tooBig, at: at + 2 + low.length + Math.min(high?.length ?? 0, 5) }
    }
    if (high && Number(high) < Number(low)) return { text: 'numbers out of order in {} quantifier', at: end }
  }
  return pattern[end + 1] === '?' || pattern[end + 1] === '+' ? end + 1 : end
}

const OPENING =
  /^\(\?(?:[:=!>|]|<[=!]|P?<(\w*)>|'(\w*)'|[imsxnJU^-]*[:)]|#[^)]*\)|R\)|[+-]?\d+\)|P[=>]\w+\)|&\w+\))/

/** The last position of what opens a group (`(`, `(?:`, `(?<name>`, ...). */
function groupStart(pattern: string, at: number, names: Set<string>): number | Mistake {
  if (pattern[at + 1] !== '?') return at
  const found = OPENING.exec(pattern.slice(at))
  if (!found) return groupMistake(pattern, at)
  const end = at + found[0].length - (found[0].endsWith(')') ? 2 : 1)
  const name = found[1] ?? found[2]
  if (name !== undefined) {
    if (name === '') return groupMistake(pattern, at)
    if (/^\d/.test(name))
      return { text: 'subpattern name must start with a non-digit', at: end - name.length }
    if (names.has(name)) {
      return { text: 'two named subpatterns have the same name (PCRE2_DUPNAMES not set)', at: end + 1 }
    }
    names.add(name)
  }
  return end
}

function groupMistake(pattern: string, at: number): Mistake {
  const rest = pattern.slice(at)
  const name = /^\(\?P?<(\w*)/.exec(rest)
  if (name) {
    const [opening, given = ''] = name
    const start = at + opening.length - given.length
    if (given === '') return { text: 'subpattern name expected', at: start }
    return { text: 'syntax error in subpattern name (missing terminator?)', at: at + opening.length }
  }
  if (rest.startsWith('(?#')) return { text: 'missing ) after (?# comment', at: pattern.length }
  if (/^\(\?(?:P?|[imsxnJU^-]*)$/.test(rest))
    return { text: 'missing closing parenthesis', at: pattern.length }
  const flags = /^\(\?[imsxnJU^-]*/.exec(rest)?.[0].length ?? 2
  return { text: 'unrecognized character after (? or (?-', at: at + flags }
}

/** The last position of an escape outside of a class. */
function escapeEnd(pattern: string, at: number): number | Mistake {
  const char = pattern[at + 1]
  if (char === undefined) return { text: '\\ at end of pattern', at: pattern.length }
  if (char === 'c' && pattern[at + 2] === undefined)
    return { text: '\\c at end of pattern', at: pattern.length }
  if (/[1-9]/.test(char) && Number(char) > countGroups(pattern)) {
    return { text: 'reference to non-existent subpattern', at: at + 1 }
  }
  if (/[ijmqyIJMOTY]/.test(char)) return { text: 'unrecognized character follows \\', at: at + 1 }
  if (/[FLlUu]/.test(char)) {
    return { text: 'PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u', at: at + 2 }
  }
  if (char === 'Q') {
    const end = pattern.indexOf('\\E', at)
    return end < 0 ? pattern.length - 1 : end + 1
  }
  const braced = /^\{([^}]*)\}/.exec(pattern.slice(at + 2))
  if (!braced) return at + 1
  const [text, inside = ''] = braced
  if (char === 'x') {
    if (/[^\dA-Fa-f]/.test(inside)) {
      return {
        text: 'non-hex character in \\x{} (closing brace missing?)',
        at: at + 3 + inside.search(/[^\dA-Fa-f]/),
      }
    }
    if (Number.parseInt(inside, 16) > 0x10ffff) {
      const text = 'character code point value in \\x{} or \\o{} is too large'
      return { text, at: at + 3 + inside.length }
    }
    return at + 1 + text.length
  }
  if (char !== 'p' && char !== 'P') return at + 1
  const end = at + 1 + text.length
  return isProperty(inside) ? end : { text: 'unknown property after \\P or \\p', at: end + 1 }
}

const countGroups = (pattern: string): number =>
  pattern.replace(/\\./g, '').match(/\((?!\?)|\(\?P?<[^=!]/g)?.length ?? 0

function isProperty(name: string): boolean {
  return [name, `Script=${name}`].some((property) => {
    try {
      new RegExp(`\\p{${property.replace(/^\^/, '')}}`, 'u')
      return true
    } catch {
      return false // JavaScript's properties are Unicode's, as PCRE's are
    }
  })
}

const POSIX_CLASSES =
  'alpha lower upper alnum ascii blank cntrl digit graph print punct space word xdigit'.split(' ')

/** The position of the closing bracket. */
function endOfClass(pattern: string, start: number): number | Mistake {
  let at = start + 1
  if (pattern[at] === '^') at++
  const first = at
  let previous: number | undefined
  for (; at < pattern.length; at++) {
    const char = pattern[at] as string
    if (char === ']' && at > first) return at
    const posix = /^\[:\^?(\w+):\]/.exec(pattern.slice(at))
    if (posix) {
      if (!POSIX_CLASSES.includes(posix[1] as string)) return { text: 'unknown POSIX class name', at: at + 2 }
      at += posix[0].length - 1
      previous = undefined
    } else if (
      char === '-' &&
      previous !== undefined &&
      pattern[at + 1] !== undefined &&
      pattern[at + 1] !== ']'
    ) {
      const [code, end] = member(pattern, at + 1)
      if (code === undefined) return { text: 'invalid range in character class', at: end + 1 }
      if (code < previous) return { text: 'range out of order in character class', at: end }
      at = end
      previous = undefined
    } else {
      const [code, end] = member(pattern, at)
      const isRange = pattern[end + 1] === '-' && pattern[end + 2] !== ']' && pattern[end + 2] !== undefined
      if (code === undefined && isRange) return { text: 'invalid range in character class', at: end + 1 }
      previous = code
      at = end
    }
  }
  const text = pattern.endsWith('\\') ? '\\ at end of pattern' : 'missing terminating ] for character class'
  return { text, at: pattern.length }
}

const CLASS_ESCAPES = /[dDwWsShHvVNRXpP]/

/** The code of a class member and its last position; no code for `\d` and its like. */
function member(pattern: string, at: number): [code: number | undefined, end: number] {
  if (pattern[at] !== '\\') return [pattern.codePointAt(at), at]
  const escaped = pattern[at + 1] ?? ''
  if (CLASS_ESCAPES.test(escaped)) return [undefined, at + 1]
  const hex = /^x([\dA-Fa-f]{1,2})/.exec(pattern.slice(at + 1))
  if (hex) return [Number.parseInt(hex[1] as string, 16), at + hex[0].length]
  const control = { n: 10, r: 13, t: 9, f: 12, e: 27, a: 7, b: 8 }[escaped]
  return [control ?? escaped.codePointAt(0), at + 1]
}

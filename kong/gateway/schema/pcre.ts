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
      if (at === pattern.length - 1) return { text: '\\ at end of pattern', at: pattern.length }
      at++
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
      canRepeat = true
    } else if (isQuantifier(pattern, at)) {
      if (!canRepeat) return { text: 'quantifier does not follow a repeatable item', at }
      const end = endOfQuantifier(pattern, at)
      if (typeof end !== 'number') return end
      at = end
      canRepeat = false
    } else {
      canRepeat = char !== '|' && char !== '^'
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
    if (Number(low) > 65535 || Number(high ?? 0) > 65535) {
      return { text: 'number too big in {} quantifier', at: at + 1 + low.length }
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
  if (!found) {
    if (/^\(\?P?<\w/.test(pattern.slice(at))) {
      const length = /^\(\?P?<\w+/.exec(pattern.slice(at))?.[0].length ?? 0
      return { text: 'syntax error in subpattern name (missing terminator?)', at: at + length }
    }
    if (pattern.startsWith('(?#', at)) return { text: 'missing ) after (?# comment', at: pattern.length }
    return { text: 'unrecognized character after (? or (?-', at: at + 2 }
  }
  const end = at + found[0].length - (found[0].endsWith(')') ? 2 : 1)
  const name = found[1] ?? found[2]
  if (name !== undefined) {
    if (names.has(name)) {
      return { text: 'two named subpatterns have the same name (PCRE2_DUPNAMES not set)', at: end + 1 }
    }
    names.add(name)
  }
  return end
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
      if (code !== undefined && code < previous)
        return { text: 'range out of order in character class', at: end }
      at = end
      previous = undefined
    } else {
      const [code, end] = member(pattern, at)
      previous = code
      at = end
    }
  }
  return { text: 'missing terminating ] for character class', at: pattern.length }
}

/** The code of a class member and its last position; no code for `\d` and its like. */
function member(pattern: string, at: number): [code: number | undefined, end: number] {
  if (pattern[at] !== '\\') return [pattern.codePointAt(at), at]
  const escaped = pattern[at + 1] ?? ''
  return [/[A-Za-z0-9]/.test(escaped) ? undefined : escaped.codePointAt(0), at + 1]
}

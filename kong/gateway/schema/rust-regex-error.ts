/**
 * What Rust's regex crate, which Kong's router uses, refuses of a pattern: it has no look-around and no
 * back-references, knows fewer escapes than PCRE, and takes braces seriously. Texts are those of regex-syntax.
 */

export interface RegexMistake {
  readonly text: string
  readonly at: number
  readonly width: number
}

/** @returns the first thing the crate would complain about; undefined for a good pattern. */
export function rustRegexMistake(pattern: string): RegexMistake | undefined {
  const open: number[] = []
  const names = new Set<string>()
  let canRepeat = false
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string
    if (char === '\\') {
      const end = escapeEnd(pattern, at, false)
      if (typeof end !== 'number') return end
      at = end
      canRepeat = true
    } else if (char === '[') {
      const end = classEnd(pattern, at)
      if (typeof end !== 'number') return end
      at = end
      canRepeat = true
    } else if (char === '(') {
      const end = groupStart(pattern, at, names)
      if (typeof end !== 'number') return end
      if (pattern[end] !== ')') open.push(at)
      at = end
      canRepeat = false
    } else if (char === ')') {
      if (open.pop() === undefined) return { text: 'unopened group', at, width: 1 }
      canRepeat = true
    } else if (char === '*' || char === '+' || char === '?') {
      if (!canRepeat) return { text: 'repetition operator missing expression', at, width: 1 }
      if (pattern[at + 1] === '?') at++
    } else if (char === '{') {
      const end = countEnd(pattern, at, canRepeat)
      if (typeof end !== 'number') return end
      at = end
    } else {
      canRepeat = char !== '|'
    }
  }
  const unclosed = open.at(-1)
  return unclosed === undefined ? undefined : { text: 'unclosed group', at: unclosed, width: 1 }
}

/** The last position of what opens a group; of flags alone (`(?i)`) the closing bracket. */
function groupStart(pattern: string, at: number, names: Set<string>): number | RegexMistake {
  if (pattern[at + 1] !== '?') return at
  const rest = pattern.slice(at + 2)
  if (rest.startsWith('=') || rest.startsWith('!')) {
    return { text: 'look-around, including look-ahead and look-behind, is not supported', at, width: 3 }
  }
  const opening = /^P?</.exec(rest)
  if (!opening) return flagsEnd(pattern, at + 2)
  const start = at + 2 + opening[0].length
  const name = /^[A-Za-z_][A-Za-z0-9_.[\]]*/.exec(pattern.slice(start))?.[0] ?? ''
  const end = start + name.length
  if (pattern[end] === undefined) return { text: 'unclosed capture group name', at: end, width: 1 }
  if (pattern[end] !== '>') return { text: 'invalid capture group character', at: end, width: 1 }
  if (name === '') return { text: 'empty capture group name', at: start, width: 1 }
  if (names.has(name)) return { text: 'duplicate capture group name', at: start, width: name.length }
  names.add(name)
  return end
}

function flagsEnd(pattern: string, start: number): number | RegexMistake {
  for (let at = start; at < pattern.length; at++) {
    const char = pattern[at] as string
    if (char === ':' || char === ')') return at
    if (!'imsUuxR-'.includes(char)) return { text: 'unrecognized flag', at, width: 1 }
  }
  return { text: 'unexpected end of regex (not a flag)', at: pattern.length, width: 1 }
}

function countEnd(pattern: string, at: number, canRepeat: boolean): number | RegexMistake {
  if (!canRepeat) return { text: 'repetition operator missing expression', at, width: 1 }
  const close = pattern.indexOf('}', at)
  const digits = /^\d*/.exec(pattern.slice(at + 1))?.[0] ?? ''
  const after = pattern[at + 1 + digits.length]
  if (after === undefined) return { text: 'unclosed counted repetition', at, width: 1 + digits.length }
  const decimal = { text: 'repetition quantifier expects a valid decimal', width: 1 }
  if (digits === '') return { ...decimal, at: at + 1 }
  if (close < 0) return { text: 'unclosed counted repetition', at, width: pattern.length - at }
  if (!/^\d+(?:,\d*)?$/.test(pattern.slice(at + 1, close))) return { ...decimal, at: at + 2 + digits.length }
  return pattern[close + 1] === '?' ? close + 1 : close
}

/** The last position of an escape. */
function escapeEnd(pattern: string, at: number, isInClass: boolean): number | RegexMistake {
  const char = pattern[at + 1]
  if (char === undefined) return incomplete(at)
  if (/\d/.test(char)) return { text: 'backreferences are not supported', at, width: 2 }
  if (char === 'x' || char === 'u' || char === 'U') return hexEnd(pattern, at + 1)
  if (char === 'p' || char === 'P') {
    const close = pattern.indexOf('}', at)
    return pattern[at + 2] === '{' && close > 0 ? close : at + 2
  }
  if (isInClass && /[bBAz]/.test(char)) {
    return { text: 'invalid escape sequence found in character class', at, width: 2 }
  }
  if (/[A-Za-z]/.test(char) && !/[afnrtvdDsSwWAzbB]/.test(char)) {
    return { text: 'unrecognized escape sequence', at, width: 2 }
  }
  return at + 1
}

const incomplete = (at: number): RegexMistake => ({
  text: 'incomplete escape sequence, reached end of pattern prematurely',
  at,
  width: 1,
})

/** `\x41`, `\u0041`, `\U00000041`, or any of them with braces; `at` is the letter. */
function hexEnd(pattern: string, at: number): number | RegexMistake {
  const isBraced = pattern[at + 1] === '{'
  const close = isBraced ? pattern.indexOf('}', at) : at + { x: 2, u: 4, U: 8 }[pattern[at] as 'x']
  const digits = isBraced ? pattern.slice(at + 2, Math.max(close, at + 2)) : pattern.slice(at + 1, close + 1)
  const bad = digits.search(/[^\dA-Fa-f]/)
  const start = at + (isBraced ? 2 : 1)
  if (bad >= 0) return { text: 'invalid hexadecimal digit', at: start + bad, width: 1 }
  return close < 0 || close >= pattern.length ? incomplete(pattern.length) : close
}

/** The closing bracket; brackets nest, unlike PCRE's. */
function classEnd(pattern: string, start: number): number | RegexMistake {
  let at = start + 1
  if (pattern[at] === '^') at++
  if (pattern[at] === ']') at++
  const unclosed = { text: 'unclosed character class', at: start, width: at - start }
  for (; at < pattern.length; at++) {
    const char = pattern[at]
    if (char === ']') return at
    if (char === '\\') {
      const end = escapeEnd(pattern, at, true)
      if (typeof end !== 'number') return end
      at = end
    } else if (char === '[') {
      const posix = /^\[:\^?[a-z]+:\]/.exec(pattern.slice(at))
      const end = posix ? at + posix[0].length - 1 : classEnd(pattern, at)
      if (typeof end !== 'number') return end
      at = end
    }
  }
  return unclosed
}

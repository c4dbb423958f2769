/**
 * Kong matches regexes with Rust's `regex` crate. The two syntaxes agree for what people write in routes; this
 * rewrites the differences that are common: `(?P<name>`, `\A` and `\z`, POSIX classes, inline flags, and escapes of
 * characters that need none. Throws SyntaxError for what JavaScript cannot compile; lookaround and backreferences
 * are refused by Kong's Admin API already.
 */
export function compileRustRegex(pattern: string): RegExp {
  const leading = /^(\^?)\(\?([imsx]+)\)/.exec(pattern)
  const flags = leading ? [...new Set(leading[2]!)].filter((flag) => flag !== 'x').join('') : ''
  const source = leading ? leading[1]! + pattern.slice(leading[0].length) : pattern
  return new RegExp(translate(source.replaceAll('(?P<', '(?<')), `u${flags}`)
}

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  digit: '0-9',
  lower: 'a-z',
  upper: 'A-Z',
  space: '\\s',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
  punct: '!-\\/:-@\\[-`{-~',
}
const KEPT_ESCAPES = /[\^$\\.*+?()[\]{}|/dDwWsSbBnrtvfxukpPc]/

/** One pass; `ignoreCase` is a stack because `(?i:...)` ends with its group, which JavaScript cannot say. */
function translate(source: string): string {
  const ignoreCase = [false]
  let inClass = false
  let out = ''
  let rest = source
  const take = (length: number): string => {
    const taken = rest.slice(0, length)
    rest = rest.slice(length)
    return taken
  }
  while (rest !== '') {
    const folds = ignoreCase.at(-1)!
    if (rest.startsWith('\\')) {
      out += translateEscape(take(2)[1] ?? '', inClass)
    } else if (inClass) {
      const posix = /^\[:([a-z]+):\]/.exec(rest)
      const range = folds ? /^[A-Za-z](-[A-Za-z])?/.exec(rest) : null
      if (posix) {
        take(posix[0].length)
        out += POSIX[posix[1]!] ?? ''
      } else if (range) {
        const text = take(range[0].length)
        out += text.toLowerCase() + text.toUpperCase()
      } else {
        const character = take(1)
        if (character === ']') inClass = false
        out += character === '[' ? '\\[' : character
      }
    } else if (/^\(\?[ims]*(-[ims]+)?[:)]/.test(rest)) {
      const group = take(rest.search(/[:)]/) + 1)
      const [on = '', off = ''] = group.slice(2, -1).split('-')
      const next = off.includes('i') ? false : on.includes('i') || folds
      if (group.endsWith(':')) ignoreCase.push(next)
      else ignoreCase[ignoreCase.length - 1] = next
      if (group.endsWith(':')) out += '(?:'
    } else if (rest.startsWith('(')) {
      ignoreCase.push(folds)
      out += take(rest.startsWith('(?<') ? rest.indexOf('>') + 1 : 1)
    } else {
      const quantifier = /^\{\d+(,\d*)?\}/.exec(rest)
      const character = take(quantifier ? quantifier[0].length : 1)
      if (character === ')' && ignoreCase.length > 1) ignoreCase.pop()
      if (character === '[') {
        inClass = true
        out += rest.startsWith('^') ? `[${take(1)}` : '['
        if (rest.startsWith(']')) out += `\\${take(1)}`
      } else if (character === '{' || character === '}') out += `\\${character}`
      else out += folds && /^[A-Za-z]$/.test(character) ? bothCases(character) : character
    }
  }
  return out
}

function translateEscape(character: string, inClass: boolean): string {
  if (!inClass && character === 'A') return '^'
  if (!inClass && character === 'z') return '$'
  return KEPT_ESCAPES.test(character) || (inClass && character === '-') ? `\\${character}` : character
}

function bothCases(letter: string): string {
  return `[${letter.toLowerCase()}${letter.toUpperCase()}]`
}

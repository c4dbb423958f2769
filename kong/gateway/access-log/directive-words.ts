/** The words of an nginx directive: blanks separate, quotes keep together, a backslash keeps a quote. */
export function directiveWords(text: string): string[] {
  const words: string[] = []
  let rest = text.trim()
  while (rest !== '') {
    const quoted = /^'((?:[^'\\]|\\[\s\S])*)'|^"((?:[^"\\]|\\[\s\S])*)"/.exec(rest)
    const plain = quoted ? null : /^(?:[^\s\\]|\\[\s\S])+/.exec(rest)
    const found = quoted?.[0] ?? plain?.[0]
    if (found === undefined) throw new Error(`unbalanced quote in '${text}'`)
    if (!quoted && /^['"]/.test(found)) throw new Error(`unbalanced quote in '${text}'`)
    words.push((quoted?.[1] ?? quoted?.[2] ?? found).replace(/\\(['"\\])/g, '$1'))
    rest = rest.slice(found.length).trimStart()
  }
  return words
}

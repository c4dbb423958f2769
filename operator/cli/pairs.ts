import { CliError } from './cli-error.ts'

/** `['zone=a']` -> `{zone: 'a'}`; white space around the value is taken off. @throws CliError */
export function pairsOf(texts: readonly string[], separator: '=' | ':'): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf(separator)
      if (at > 0) return [text.slice(0, at).trim(), text.slice(at + 1).trim()]
      throw new CliError('BAD_ARGUMENT', {
        tried: `reading ${JSON.stringify(text)}`,
        answer: at < 0 ? `there is no ${separator} in it` : `there is no name before its ${separator}`,
        remedy: `write name${separator}value`,
      })
    }),
  )
}

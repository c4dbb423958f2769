/** nginx's `log_format`: a name, how to escape, and text with variables. */
import type { RequestContext } from '../proxy/request-context.ts'
import { directiveWords } from './directive-words.ts'
import { ESCAPES, type Escape } from './escape.ts'
import { type Variable, variableNamed } from './nginx-variables.ts'

export interface LogFormat {
  readonly name: string
  /** One line without its end, as a byte string. */
  readonly line: (context: RequestContext) => string
}

type Part = string | Variable

/** Reads the arguments of `log_format`, e.g. `mesh escape=json '{"s":"$status"}'`. Throws an Error naming what is wrong. */
export function parseLogFormat(text: string): LogFormat {
  const [name, ...rest] = directiveWords(text)
  if (name === undefined || rest.length === 0) {
    throw new Error(`log_format needs a name and a text, not '${text}'`)
  }
  const option = /^escape=(.*)$/.exec(rest[0]!)
  if (option && !(option[1]! in ESCAPES)) throw new Error(`log_format ${name}: unknown ${rest[0]}`)
  const escaped: Escape = ESCAPES[(option?.[1] ?? 'default') as keyof typeof ESCAPES]
  const parts = templateParts(rest.slice(option ? 1 : 0).join(''), name)
  return {
    name,
    line: (context) => {
      let line = ''
      for (const part of parts) line += typeof part === 'string' ? part : escaped(part(context))
      return line
    },
  }
}

function templateParts(template: string, name: string): Part[] {
  const parts: Part[] = []
  let from = 0
  for (const match of template.matchAll(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g)) {
    const variable = match[1] ?? match[2]!
    const read = variableNamed(variable.toLowerCase())
    if (!read) throw new Error(`log_format ${name}: the dev gateway has no variable "${variable}"`)
    parts.push(template.slice(from, match.index), read)
    from = match.index + match[0].length
  }
  parts.push(template.slice(from))
  return parts
}

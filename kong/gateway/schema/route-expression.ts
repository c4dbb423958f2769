/**
 * Kong's default router turns a route into an expression, and refuses the route when its parser does. With fields
 * that passed their own checks only regular expressions can still be wrong; the message draws where.
 */

import { rustRegexMistake } from './rust-regex-error.ts'
import { entriesOf, isTable, type ObjectValue, own, type Value } from './table.ts'

/** @returns the message for a route; undefined for a good one. */
export function routeExpressionError(route: ObjectValue): string | undefined {
  const pieces = expressionOf(route)
  let column = 0
  for (const piece of pieces) {
    if (typeof piece !== 'string') {
      const mistake = rustRegexMistake(piece.regex)
      if (mistake) return drawing(pieces, column, piece, mistake)
    }
    column += lengthOf(textOf(piece))
  }
  return undefined
}

/** A piece of the expression: its text, or a regular expression in it. */
type Piece = string | { readonly regex: string }

const lengthOf = (text: string): number => [...text].length

const quoted = (text: string): string =>
  text.includes('"#') ? `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : `r#"${text}"#`

const textOf = (piece: Piece): string => (typeof piece === 'string' ? piece : quoted(piece.regex))

function drawing(
  pieces: readonly Piece[],
  column: number,
  { regex }: { readonly regex: string },
  mistake: NonNullable<ReturnType<typeof rustRegexMistake>>,
): string {
  const length = lengthOf(quoted(regex))
  const indent = ' '.repeat(lengthOf(regex.slice(0, mistake.at)))
  return [
    `Router Expression failed validation:  --> 1:${column + 1}`,
    '  |',
    `1 | ${pieces.map(textOf).join('')}`,
    `  | ${' '.repeat(column)}^${'-'.repeat(length - 2)}^`,
    '  |',
    '  = regex parse error:',
    `    ${regex}`,
    `    ${indent}${'^'.repeat(mistake.width)}`,
    `error: ${mistake.text}`,
  ].join('\n')
}

function expressionOf(route: ObjectValue): readonly Piece[] {
  const protocols = listOf(own(route, 'protocols'))
  const isStream = /^(?:tcp|tls|udp|tls_passthrough)$/.test(String(protocols[0] ?? ''))
  const groups: Piece[][] = [sniPieces(texts(route, 'snis'), isStream ? 'tls' : 'https')]
  if (!isStream) {
    groups.push(
      anyOf(texts(route, 'methods').map((method) => [`http.method == ${quoted(method)}`])),
      anyOf(texts(route, 'hosts').map((host) => [hostTest(host)])),
      anyOf(texts(route, 'paths').map(pathTest)),
      ...headerGroups(own(route, 'headers')),
    )
  }
  return joined(
    groups.filter((group) => group.length > 0),
    ' && ',
  )
}

const listOf = (value: Value | undefined): readonly Value[] => (Array.isArray(value) ? value : [])
const texts = (route: ObjectValue, name: string): readonly string[] =>
  listOf(own(route, name)).filter((item): item is string => typeof item === 'string')

const joined = (groups: readonly (readonly Piece[])[], separator: string): Piece[] =>
  groups.flatMap((group, index) => (index === 0 ? group : [separator, ...group]))

const anyOf = (tests: readonly (readonly Piece[])[]): Piece[] =>
  tests.length === 0 ? [] : ['(', ...joined(tests, ' || '), ')']

function sniPieces(snis: readonly string[], protocol: string): Piece[] {
  const tests = snis.map((sni) => [`tls.sni ${wildcardTest(sni.replace(/(?<=.)\.$/, ''))}`])
  return tests.length === 0 ? [] : [`(net.protocol != r#"${protocol}"# || `, ...anyOf(tests), ')']
}

function wildcardTest(name: string): string {
  if (name.startsWith('*')) return `=^ ${quoted(name.slice(1))}`
  if (name.endsWith('*')) return `^= ${quoted(name.slice(0, -1))}`
  return `== ${quoted(name)}`
}

function hostTest(value: string): string {
  const [, host = value, port] = /^([^:]*):(\d+)$/.exec(value) ?? []
  const test = `http.host ${wildcardTest(host)}`
  return port === undefined ? test : `(${test} && net.dst.port == ${Number(port)})`
}

/** Anchored at the start; capture groups get the spelling that Rust knows. */
const pathTest = (path: string): Piece[] =>
  path.startsWith('~')
    ? ['http.path ~ ', { regex: `^${path.slice(1).replaceAll('?<', '?P<')}` }]
    : [`http.path ^= ${quoted(path)}`]

function headerGroups(headers: Value | undefined): Piece[][] {
  if (!isTable(headers)) return []
  return entriesOf(headers).map(([name, values]) => {
    const field = `any(lower(http.headers.${String(name).replaceAll('-', '_').toLowerCase()}))`
    return anyOf(
      listOf(values).map((value): Piece[] => {
        const text = String(value)
        const lower = text.toLowerCase()
        return text.startsWith('~*')
          ? [`${field} ~ `, { regex: lower.slice(2) }]
          : [`${field} == ${quoted(lower)}`]
      }),
    )
  })
}

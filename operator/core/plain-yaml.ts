/**
 * The part of YAML that Kong writes most: block mappings and lists of short scalars. A general parser takes seconds
 * for the configuration of 1,000 services, this one a tenth of a second.
 */

import type { Json } from './entity.ts'

/**
 * @returns undefined when there is anything in it that is not certain to be read right: then ask a general parser.
 */
export function parsePlainYaml(lines: readonly string[]): Json | undefined {
  const reader = { lines: lines.map(lineOf), at: 0 }
  try {
    const value = block(reader, reader.lines[0]?.indent ?? 0)
    return reader.at === reader.lines.length ? value : undefined
  } catch (error) {
    if (error === UNFAMILIAR) return undefined
    throw error
  }
}

interface Line {
  readonly indent: number
  readonly text: string
}

interface Reader {
  readonly lines: Line[]
  at: number
}

const UNFAMILIAR = new Error('not plain')

function lineOf(text: string): Line {
  const indent = text.search(/[^ ]/)
  return { indent: Math.max(0, indent), text: indent < 0 ? '' : text.slice(indent) }
}

function block(reader: Reader, indent: number): Json {
  return reader.lines[reader.at]?.text.startsWith('- ') ? items(reader, indent) : members(reader, indent)
}

function items(reader: Reader, indent: number): Json {
  const list: Json[] = []
  for (;;) {
    const line = reader.lines[reader.at]
    if (line === undefined || line.indent !== indent || !line.text.startsWith('- ')) return list
    const rest = line.text.slice(2)
    if (rest.startsWith('- ') || KEY.test(rest)) {
      reader.lines[reader.at] = { indent: indent + 2, text: rest }
      list.push(block(reader, indent + 2))
    } else {
      list.push(scalar(rest))
      reader.at += 1
    }
  }
}

const KEY = /^([A-Za-z_][\w.-]*):(?: (.+))?$/

function members(reader: Reader, indent: number): Json {
  const record: Record<string, Json> = {}
  for (;;) {
    const line = reader.lines[reader.at]
    if (line === undefined || line.indent < indent || line.text.startsWith('- ')) return record
    const [, key, rest] = line.indent === indent ? (KEY.exec(line.text) ?? []) : []
    if (key === undefined || key === '__proto__') throw UNFAMILIAR
    reader.at += 1
    record[key] = rest === undefined ? nested(reader, indent) : scalar(rest)
  }
}

/** A list may be at the indentation of its key. */
function nested(reader: Reader, indent: number): Json {
  const line = reader.lines[reader.at]
  const isInside = line !== undefined && (line.indent > indent || line.text.startsWith('- '))
  if (!isInside || line.indent < indent) throw UNFAMILIAR
  return block(reader, line.indent)
}

function scalar(text: string): Json {
  if (text === '~') return null
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?(?:0|[1-9]\d{0,14})(?:\.\d+)?$/.test(text)) return Number(text)
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'")
  if (text === '[]') return []
  if (text === '{}') return {}
  if (TEXTS.some((pattern) => pattern.test(text)) && !WORDS.test(text)) return text
  throw UNFAMILIAR
}

const TEXTS = [
  /^[A-Za-z/][\w./:@+=;%-]*$/,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  /^\d+\.\d+\.\d+\.\d+(?::\d+)?$/,
]
/** What some YAML takes for something else than a text. */
const WORDS = /:$|^(?:y|n|yes|no|on|off|null|nan|inf|true|false)$/i

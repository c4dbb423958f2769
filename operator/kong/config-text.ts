import { setImmediate } from 'node:timers/promises'
import { parse, type ScalarTag, type Tags } from 'yaml'
import type { ConfigDocument } from '../core/declarative-config.ts'
import type { Json } from '../core/entity.ts'
import { parsePlainYaml } from '../core/plain-yaml.ts'

/** Rows read in one go, so that reading megabytes holds up nothing else. */
const ROWS_AT_ONCE = 100

/**
 * The YAML of `GET /config`. Kong writes collections, and their rows as `- ` at the beginning of a line, so it can be
 * read row by row.
 * @throws Error when it is no YAML
 */
export async function parseConfigText(text: string): Promise<ConfigDocument> {
  const document: Record<string, Json> = {}
  let lines: string[] = []
  let rows: Json[] | null = null
  let count = 0
  const readLines = () => {
    const value =
      lines.length === 0 ? null : (parsePlainYaml(lines) ?? (parse(`${lines.join('\n')}\n`, DIALECT) as Json))
    lines = []
    if (rows === null) Object.assign(document, value)
    else if (Array.isArray(value)) rows.push(...value)
  }
  for (const line of text.trimEnd().split('\n')) {
    const isRow = line.startsWith('- ')
    const isKey = !isRow && /^[^\s-]/.test(line)
    if (isRow || isKey) readLines()
    const [, collection] = isKey ? (/^([^\s:]+):\s*$/.exec(line) ?? []) : []
    if (isKey) rows = collection === undefined ? null : []
    if (collection !== undefined) document[collection] = rows!
    else lines.push(line)
    if (isRow) count += 1
    if (isRow && count % ROWS_AT_ONCE === 0) await setImmediate()
  }
  readLines()
  return document
}

/** libyaml's booleans; dates, `y` and `n` are plain texts there, as is a 1.2 octal. */
const BOOLEAN: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON|false|False|FALSE|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:true|yes|on)$/i.test(text),
}

const nameOf = (tag: Tags[number]): string => (typeof tag === 'string' ? tag : (tag.tag ?? ''))

const DIALECT = {
  version: '1.1',
  logLevel: 'error',
  customTags: (tags: Tags): Tags => [
    BOOLEAN,
    ...tags.filter((tag) => !/(?:^|:)(?:bool|timestamp)$/.test(nameOf(tag))),
  ],
} as const

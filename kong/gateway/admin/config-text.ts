/** Declarative configurations as text: JSON or YAML in, YAML out. */

import { parseDocument, type ScalarTag, stringify, type Tags } from 'yaml'
import { isTable, type ObjectValue, type Value } from '../schema/table.ts'

export type Parsed =
  | { readonly value: ObjectValue; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: string }

/** JSON is tried first. An empty list is an empty configuration, as Lua cannot tell them apart. */
export function parseDeclarative(text: string): Parsed {
  const value = parseJson(text) ?? parseYaml(text)
  if (value instanceof Error) return { error: value.message }
  if (Array.isArray(value) && value.length === 0) return { value: {} }
  if (isTable(value) && !Array.isArray(value)) return { value }
  return { error: 'expected an object' }
}

export function writeDeclarative(config: ObjectValue): string {
  return stringify(config, {
    version: '1.1',
    indentSeq: false,
    lineWidth: 0,
    nullStr: '~',
    singleQuote: true,
    aliasDuplicateObjects: false,
  })
}

function parseJson(text: string): Value | undefined {
  try {
    const value: Value = JSON.parse(text)
    return isTable(value) ? value : undefined
  } catch {
    return undefined // then it may be YAML
  }
}

/** YAML 1.1 as libyaml's Lua binding reads it: no dates, and `y` and `n` are texts. */
const DIALECT = {
  version: '1.1' as const,
  customTags: (tags: Tags): Tags => [BOOLEAN, ...tags.filter((tag) => !REPLACED.includes(nameOf(tag)))],
}

const BOOLEAN: ScalarTag = {
  tag: 'tag:yaml.org,2002:bool',
  default: true,
  test: /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON|false|False|FALSE|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:true|yes|on)$/i.test(text),
}

const REPLACED = ['bool', 'timestamp']

const nameOf = (tag: Tags[number]): string =>
  (typeof tag === 'string' ? tag : (tag.tag ?? '')).replace('tag:yaml.org,2002:', '')

/** How often an alias may be used before the text is taken for an attack. */
const MAX_ALIASES = 10_000

function parseYaml(text: string): Value | Error {
  try {
    const document = parseDocument(text, { ...DIALECT, uniqueKeys: false, logLevel: 'silent' })
    const [problem] = document.errors
    if (problem) {
      const at = problem.linePos?.[0]
      return new Error(
        `${at ? `${at.line}:${at.col}: ` : ''}${problem.message.replace(/ at line \d.*$/s, '')}`,
      )
    }
    if (document.contents !== null && document.toJS() === null) return {}
    // Through JSON, so that dates, maps and sets of YAML become plain values.
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: MAX_ALIASES }) ?? null)) as Value
  } catch (error) {
    return error as Error
  }
}

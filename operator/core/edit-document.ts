/** Single settings changed in the text of a settings document, without touching the rest of it. */

import { isMap, parseDocument, type Document as YamlDocument } from 'yaml'
import type { Json } from './entity.ts'
import { type Layer, readDocument } from './settings-document.ts'

export interface SettingChange {
  /** Dotted: `circuitBreaker.mode`. */
  readonly path: string
  /** null takes the setting out: what lies below holds again. */
  readonly value: Json
}

export type EditedDocument =
  | { readonly ok: true; readonly text: string }
  /** `before`: the document does not validate as it is, and whoever wrote it has to mend it first. */
  | { readonly ok: false; readonly what: 'before' | 'after'; readonly errors: readonly string[] }

/**
 * JSON stays JSON with its indentation, YAML keeps its comments.
 * @param before text of the document; null where there is none
 * @param changes what to change, knowing what the document says now
 */
export function editDocument(
  kind: 'defaults' | 'service',
  before: string | null,
  changes: readonly SettingChange[] | ((layer: Layer) => readonly SettingChange[]),
): EditedDocument {
  const text = before === null || before.trim() === '' ? '{}' : before
  const read = readDocument(kind, text)
  if (!read.ok) return { ok: false, what: 'before', errors: read.errors }
  const wanted = typeof changes === 'function' ? changes(read.layer) : changes
  if (wanted.length === 0) return { ok: true, text: before ?? text }
  const json = parseJson(text)
  const after = json === null ? inYaml(text, wanted) : inJson(json, text, wanted)
  const again = readDocument(kind, after)
  return again.ok ? { ok: true, text: after } : { ok: false, what: 'after', errors: again.errors }
}

type JsonRecord = { [key: string]: unknown }

function parseJson(text: string): JsonRecord | null {
  try {
    return JSON.parse(text) as JsonRecord
  } catch {
    return null // then it is YAML, which was read before
  }
}

function inJson(json: JsonRecord, text: string, changes: readonly SettingChange[]): string {
  for (const { path, value } of changes) setIn(json, path.split('.'), value)
  const indentation = /^[{[]\r?\n([ \t]+)/.exec(text.trimStart())?.[1] ?? ''
  return `${JSON.stringify(json, null, indentation)}${text.endsWith('\n') ? '\n' : ''}`
}

function setIn(node: JsonRecord, [key, ...rest]: readonly string[], value: Json): void {
  if (rest.length === 0) {
    if (value === null) delete node[key!]
    else node[key!] = value
    return
  }
  const inner = node[key!]
  const isRecord = typeof inner === 'object' && inner !== null && !Array.isArray(inner)
  if (!isRecord && value === null) return
  // A switch such as `active: true` becomes an object.
  if (!isRecord) node[key!] = {}
  setIn(node[key!] as JsonRecord, rest, value)
  if (value === null && Object.keys(node[key!] as JsonRecord).length === 0) delete node[key!]
}

function inYaml(text: string, changes: readonly SettingChange[]): string {
  const document = parseDocument(text, { schema: 'core' })
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never
  for (const { path, value } of changes) setInYaml(document, path.split('.'), value)
  return document.toString()
}

function setInYaml(document: YamlDocument, path: readonly string[], value: Json): void {
  for (let length = 1; length < path.length; length++) {
    const parent = path.slice(0, length)
    if (!document.hasIn(parent) || isMap(document.getIn(parent))) continue
    if (value === null) return
    document.setIn(parent, document.createNode({}))
  }
  if (value === null) document.deleteIn(path)
  else document.setIn(path, typeof value === 'object' ? document.createNode(value) : value)
}

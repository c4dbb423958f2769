/** The mode of a service's breaker, set in the text of its settings document without touching the rest of it. */

import { isMap, parseDocument } from 'yaml'
import { readDocument } from './settings-document.ts'

export type SetMode =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly errors: readonly string[] }

/**
 * JSON stays JSON with its indentation, YAML keeps its comments. A document that does not validate is left as it is:
 * whoever wrote it has to mend it first.
 * @param before text of `mesh/services/<name>`; null where there is none
 */
export function withBreakerMode(before: string | null, mode: string): SetMode {
  const text = before === null || before.trim() === '' ? '{}' : before
  const read = readDocument('service', text)
  if (!read.ok) return { ok: false, errors: read.errors }
  const json = parseJson(text)
  const after = json === null ? inYaml(text, mode) : inJson(json, text, mode)
  const again = readDocument('service', after)
  return again.ok ? { ok: true, text: after } : { ok: false, errors: again.errors }
}

type JsonRecord = { readonly [key: string]: unknown }

function parseJson(text: string): JsonRecord | null {
  try {
    return JSON.parse(text) as JsonRecord
  } catch {
    return null // then it is YAML, which was read before
  }
}

function inJson(json: JsonRecord, text: string, mode: string): string {
  const rules = (json['circuitBreaker'] ?? {}) as JsonRecord
  const indentation = /^[{[]\r?\n([ \t]+)/.exec(text.trimStart())?.[1] ?? ''
  const after = { ...json, circuitBreaker: { ...rules, mode } }
  return `${JSON.stringify(after, null, indentation)}${text.endsWith('\n') ? '\n' : ''}`
}

function inYaml(text: string, mode: string): string {
  const document = parseDocument(text, { schema: 'core' })
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never
  document.setIn(['circuitBreaker', 'mode'], mode)
  return document.toString()
}

/** Which external services are in force: a document that does not validate leaves the last good one. */

import type { Refusal } from '../settings.ts'
import { type KvRows, parseStatus } from '../settings-status.ts'
import { type ExternalService, readExternal } from './external-document.ts'

const PREFIX = 'mesh/external/'

export const externalKey = (name: string): string => `${PREFIX}${name}`

/** Where KV tells why a document is refused; null for other documents. A status of a service has no slash in its name. */
export const externalStatusKey = (document: string): string | null =>
  document.startsWith(PREFIX) ? `mesh/status/external/${document.slice(PREFIX.length)}` : null

export interface AcceptedExternals {
  /** By name; the same object while its text is the same. */
  readonly services: ReadonlyMap<string, ExternalService>
  /** Text that each comes from. */
  readonly texts: ReadonlyMap<string, string>
  /** By key of the document. */
  readonly refused: ReadonlyMap<string, Refusal>
}

/**
 * @param previous what was accepted last; null when the operator has just started, where KV's own memory of the last good
 *   documents stands in
 */
export function acceptExternals(
  previous: AcceptedExternals | null,
  documents: ReadonlyMap<string, string>,
  rows: KvRows,
): AcceptedExternals {
  const services = new Map<string, ExternalService>()
  const texts = new Map<string, string>()
  const refused = new Map<string, Refusal>()
  for (const [key, text] of documents) {
    const name = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : ''
    if (name === '') continue
    const last = previous === null ? rememberedLast(key, rows) : lastOf(previous, name)
    const read = last?.text === text ? null : readExternal(text)
    const used = read?.ok === true ? { text, service: read.service } : last
    if (used !== null) {
      services.set(name, used.service)
      texts.set(name, used.text)
    }
    if (read?.ok === false) refused.set(key, { errors: read.errors, lastGood: last?.text ?? null })
  }
  return { services, texts, refused }
}

interface Good {
  readonly text: string
  readonly service: ExternalService
}

function lastOf({ services, texts }: AcceptedExternals, name: string): Good | null {
  const [text, service] = [texts.get(name), services.get(name)]
  return text === undefined || service === undefined ? null : { text, service }
}

function rememberedLast(key: string, rows: KvRows): Good | null {
  const text = parseStatus(rows.get(externalStatusKey(key)!)?.text ?? '')?.lastGood ?? null
  const read = text === null ? null : readExternal(text)
  return read?.ok === true ? { text: text!, service: read.service } : null
}

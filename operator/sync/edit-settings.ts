import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { type EditedDocument, editDocument } from '../core/edit-document.ts'
import { RequestError } from '../http/request-error.ts'

/** Somebody else may write the document meanwhile; this often in a row is somebody who goes on. */
const TRIES = 10
const LONGEST_PAUSE_MS = 20

export const SETTINGS_OF_ALL = 'mesh/defaults'

/** Key of the document of a service. */
export const settingsKey = (service: string): string => `mesh/services/${service}`

/** What became of the document: its text now, or why the change is no good. */
export type EditedSettings = { readonly text: string } | { readonly errors: readonly string[] }

/**
 * Changes a settings document in KV, only over what was read, so that nobody's fields are lost.
 * @returns what is wrong with the values, in which case nothing is written
 * @throws RequestError 409 when the document does not validate as it is, or is changed all the time; ConsulError
 */
export async function editSettings(
  { reader, writer }: { readonly reader: ConsulReader; readonly writer: KvWriter },
  key: string,
  changes: Parameters<typeof editDocument>[2],
): Promise<EditedSettings> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { edited, row } = await editOnce(reader, key, changes)
    if ('errors' in edited || edited.text === row?.Value) return edited
    if (await writer.write({ key, text: edited.text, index: row?.ModifyIndex ?? 0 })) return edited
    await new Promise((done) => setTimeout(done, Math.random() * LONGEST_PAUSE_MS))
  }
  throw new RequestError(409, `KV ${key} was changed by somebody else ${TRIES} times; try again`)
}

/**
 * What `editSettings` would write; nothing is written.
 * @throws RequestError 409 when the document does not validate as it is; ConsulError
 */
export async function previewSettings(
  reader: ConsulReader,
  key: string,
  changes: Parameters<typeof editDocument>[2],
): Promise<EditedSettings> {
  return (await editOnce(reader, key, changes)).edited
}

async function editOnce(reader: ConsulReader, key: string, changes: Parameters<typeof editDocument>[2]) {
  const kind = key === SETTINGS_OF_ALL ? 'defaults' : 'service'
  const { body } = await reader.keys(escaped(key), { stale: false })
  const row = body.find(({ Key }) => Key === key)
  const edited: EditedDocument = editDocument(kind, row?.Value ?? null, changes)
  if (!edited.ok && edited.what === 'before') {
    throw new RequestError(409, `KV ${key} does not validate, mend it first: ${edited.errors.join('; ')}`)
  }
  const settings: EditedSettings = edited.ok ? { text: edited.text } : { errors: edited.errors }
  return { edited: settings, row }
}

/** In a path of Consul's API a name must not begin a query. */
const escaped = (key: string): string => key.split('/').map(encodeURIComponent).join('/')

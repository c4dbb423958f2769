import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { withBreakerMode } from '../core/breaker-mode.ts'
import { RequestError } from '../http/request-error.ts'

/** Somebody else may write the document meanwhile; three in a row is somebody who goes on. */
const TRIES = 3

/**
 * Writes the mode of a service's breaker into KV `mesh/services/<name>`, only over the document that was read.
 * @throws RequestError 409 when the document does not validate or is changed all the time; ConsulError
 */
export async function setBreakerMode(
  { reader, writer }: { readonly reader: ConsulReader; readonly writer: KvWriter },
  service: string,
  mode: string,
): Promise<void> {
  const key = `mesh/services/${service}`
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const { body } = await reader.keys(key, { stale: false })
    const row = body.find(({ Key }) => Key === key)
    const set = withBreakerMode(row?.Value ?? null, mode)
    if (!set.ok) {
      throw new RequestError(409, `KV ${key} does not validate, mend it first: ${set.errors.join('; ')}`)
    }
    if (set.text === row?.Value) return
    if (await writer.write({ key, text: set.text, index: row?.ModifyIndex ?? 0 })) return
  }
  throw new RequestError(409, `KV ${key} was changed by somebody else ${TRIES} times; try again`)
}

/** Ids of entities in a declarative configuration that has none: always the same for the same name. */

import { createHash } from 'node:crypto'

/** RFC 9562 version 5: made from a namespace (a UUID) and a name. */
export function uuidV5(namespace: string, name: string): string {
  const space = Buffer.from(namespace.replaceAll('-', ''), 'hex')
  const bytes = createHash('sha1').update(space).update(name).digest().subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Kong's namespace of declarative configurations (kong/db/schema/others/declarative_config.lua). */
const ENTITIES_NAMESPACE = 'fd02801f-0957-4a15-a55a-c8d9606f30b5'

export const deterministicId = (collection: string, key: string): string =>
  uuidV5(uuidV5(ENTITIES_NAMESPACE, collection), key)

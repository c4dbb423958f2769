/** Who has waited for a change of certificates, or of what uses them. */

import type { Change } from '../diff.ts'
import { type Entity, keyOf } from '../entity.ts'
import { CERTIFICATES_OWNER } from './certificate-entities.ts'
import { certificatesOf } from './upstream-tls.ts'

/** @param groups what is wanted, by service */
export function wokenServices(
  { action, entity, before, fields }: Change,
  groups: ReadonlyMap<string, readonly Entity[]>,
): readonly string[] {
  if (action === 'create' && (entity.kind === 'certificate' || entity.kind === 'ca_certificate')) {
    const key = keyOf(entity)
    const isUser = (each: Entity) => certificatesOf(each).includes(key)
    return [...groups].flatMap(([service, entities]) => (entities.some(isUser) ? [service] : []))
  }
  const letsGo =
    before !== null &&
    certificatesOf(before).length > 0 &&
    (action === 'delete' || fields.includes('client_certificate') || fields.includes('ca_certificates'))
  return letsGo ? [CERTIFICATES_OWNER] : []
}

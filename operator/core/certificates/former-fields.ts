/**
 * Fields that only some services have, by their settings. One that is wanted no longer goes back to what Kong gives it by
 * itself: Kong refuses a service without TLS that still names a certificate, and a check that nobody asks for must not stay.
 */

import type { Entity, Json, Kind } from '../entity.ts'

const DEFAULTS: Partial<Record<Kind, Readonly<Record<string, Json>>>> = {
  service: { tls_verify: null, ca_certificates: null, client_certificate: null },
  upstream: { host_header: null },
  route: { https_redirect_status_code: 426 },
}

/**
 * @param applied fields that were written last
 * @returns the same entity where none of them was one of these
 */
export function withFormerFields(wanted: Entity, applied: ReadonlyMap<string, string> | null): Entity {
  const former = Object.entries(DEFAULTS[wanted.kind] ?? {}).filter(
    ([field]) => applied?.has(field) === true && !(field in wanted.fields),
  )
  if (former.length === 0) return wanted
  return { ...wanted, fields: { ...wanted.fields, ...Object.fromEntries(former) } }
}

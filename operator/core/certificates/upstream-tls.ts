/** How Kong speaks TLS to the instances of a service, in the fields of Kong. */

import { z } from 'zod'
import type { Entity, Json } from '../entity.ts'
import { entityId } from '../names.ts'
import { section, someOf, textLike, yesOrNo } from '../settings-value.ts'

export interface UpstreamTlsSettings {
  /** Is the certificate of an instance checked: signed by one of `ca`, made out to `serverName`? */
  readonly verify: boolean
  /** DNS name that is asked for (SNI), checked, and sent as Host; null: the target's address, which no check passes. */
  readonly serverName: string | null
  /** Names of KV `mesh/authorities/<name>`. */
  readonly ca: readonly string[] | null
  /** Name of KV `mesh/certificates/<name>`, or `connect`: the gateway's own identity from Consul Connect. */
  readonly clientCertificate: string | null
}

export const BUILT_IN_TLS: UpstreamTlsSettings = {
  verify: false,
  serverName: null,
  ca: null,
  clientCertificate: null,
}

/** The certificate that Consul Connect issues to the gateway. */
export const CONNECT = 'connect'

const name = textLike(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, 'a name of letters, digits, _ . -')

/**
 * Kong looks for a DNS name alone, never a SPIFFE id, so a check without both says nothing: it is refused instead of being
 * called one.
 */
export const upstreamTls = section({
  verify: yesOrNo().optional(),
  serverName: textLike(
    /^(?!\d+(?:\.\d+){3}$)[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/,
    'a DNS name',
  ).optional(),
  ca: z
    .union([name.transform((one) => [one]), someOf(name, 10)], {
      error: 'must be a name, or a list of names',
    })
    .refine((names) => !names.includes(CONNECT), {
      error: 'must not be connect: certificates of Consul Connect carry no DNS name that Kong could check',
    })
    .optional(),
  clientCertificate: name.optional(),
}).refine(({ verify, serverName, ca }) => verify !== true || (serverName !== undefined && ca !== undefined), {
  error: 'must have serverName and ca beside verify: true, in one document: Kong checks by them',
})

type Fields = Readonly<Record<string, Json>>

interface Speaking {
  readonly protocol: string
  readonly tls: UpstreamTlsSettings
}

/** Every field is named for a service that speaks TLS: one that is no longer asked for goes back. */
export function tlsServiceFields(mesh: string, { protocol, tls }: Speaking): Fields {
  if (protocol !== 'https') return {}
  const { verify, ca, clientCertificate } = tls
  return {
    tls_verify: verify ? true : null,
    ca_certificates: ca === null ? null : ca.map((each) => entityId(mesh, 'ca_certificate', each)).sort(),
    client_certificate:
      clientCertificate === null ? null : { id: entityId(mesh, 'certificate', clientCertificate) },
  }
}

/** Nothing where no name is set: the instances may have one in common. */
export const tlsUpstreamFields = ({ protocol, tls }: Speaking): Fields =>
  protocol === 'https' && tls.serverName !== null ? { host_header: tls.serverName } : {}

/** Keys of the certificates that a Kong service refers to. */
export function certificatesOf({ kind, fields }: Pick<Entity, 'kind' | 'fields'>): readonly string[] {
  if (kind !== 'service') return []
  const { client_certificate: client, ca_certificates: authorities } = fields
  const own =
    typeof client === 'object' && client !== null && 'id' in client ? [`certificate/${client.id}`] : []
  return [...own, ...(Array.isArray(authorities) ? authorities.map((id) => `ca_certificate/${id}`) : [])]
}

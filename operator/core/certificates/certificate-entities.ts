/** Certificates for hosts of one's own, and the names that Kong shows them for. */

import { type Entity, type HeldState, type Json, TLS_KINDS, type TlsKind } from '../entity.ts'

import { entityId } from '../names.ts'
import type { Problem } from '../problem.ts'
import { isOwnedBy, ownTags } from '../tags.ts'
import type { ReadyCertificate } from './judge-certificate.ts'

/** Owner of them all, in place of a service; no service of Consul has a slash in its name. */
export const CERTIFICATES_OWNER = 'mesh/certificates'

export interface Certificates {
  readonly ready: readonly ReadyCertificate[]
  /** Names of those that cannot be read now: what Kong has of them stays. */
  readonly kept: readonly string[]
  readonly authorities?: readonly Authority[]
  readonly keptAuthorities?: readonly string[]
}

/** Who signs certificates of services. */
export interface Authority {
  readonly name: string
  /** PEM */
  readonly cert: string
}

export interface CertificateEntities {
  readonly entities: readonly Entity[]
  readonly problems: readonly Problem[]
}

/** A host is the first certificate's that names it. @param actual what Kong holds */
export function certificateEntities(
  mesh: string,
  { ready, kept, authorities = [], keptAuthorities = [] }: Certificates,
  actual: HeldState,
): CertificateEntities {
  const entities: Entity[] = []
  const problems: Problem[] = []
  const owners = new Map<string, string>()
  for (const { name, cert, key, hosts } of [...ready].sort(byName)) {
    const id = entityId(mesh, 'certificate', name)
    entities.push(entity(mesh, 'certificate', id, '', '', { cert, key }))
    for (const host of hosts) {
      const first = owners.get(host)
      if (first !== undefined) {
        problems.push(taken(name, host, first))
        continue
      }
      owners.set(host, name)
      const fields = { certificate: { id } }
      entities.push(entity(mesh, 'sni', entityId(mesh, 'sni', host), host, id, fields))
    }
  }
  for (const { name, cert } of [...authorities].sort(byName)) {
    entities.push(entity(mesh, 'ca_certificate', entityId(mesh, 'ca_certificate', name), '', '', { cert }))
  }
  const ids = new Set([
    ...kept.map((name) => entityId(mesh, 'certificate', name)),
    ...keptAuthorities.map((name) => entityId(mesh, 'ca_certificate', name)),
  ])
  if (ids.size > 0) entities.push(...keptOf(mesh, ids, owners, actual))
  return { entities, problems }
}

/** Nothing is known of what should be: what is ours stays as it is. */
export function ownCertificates(mesh: string, actual: HeldState): readonly Entity[] {
  return [...actual.values()].filter(({ kind, tags }) => isCertificateKind(kind) && isOwnedBy(mesh, tags))
}

export const isCertificateKind = (kind: Entity['kind']): boolean =>
  (TLS_KINDS as readonly string[]).includes(kind)

function keptOf(
  mesh: string,
  ids: ReadonlySet<string>,
  taken: ReadonlyMap<string, string>,
  actual: HeldState,
): readonly Entity[] {
  return ownCertificates(mesh, actual).filter(
    ({ kind, id, name, parent }) => ids.has(id) || (kind === 'sni' && ids.has(parent) && !taken.has(name)),
  )
}

function entity(
  mesh: string,
  kind: TlsKind,
  id: string,
  name: string,
  parent: string,
  fields: Readonly<Record<string, Json>>,
): Entity {
  const tags = ownTags(mesh, CERTIFICATES_OWNER, { ...fields, ...(name === '' ? {} : { name }) })
  return { kind, id, name, owner: CERTIFICATES_OWNER, parent, fields, tags }
}

const taken = (name: string, host: string, first: string): Problem => ({
  code: 'CERTIFICATE_HOST_TAKEN',
  severity: 'warning',
  service: '',
  message: `KV mesh/certificates/${name}: ${host} is shown the certificate of mesh/certificates/${first}; take it out of one of them`,
})

const byName = (left: Pick<Authority, 'name'>, right: Pick<Authority, 'name'>): number =>
  left.name < right.name ? -1 : 1

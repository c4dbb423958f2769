/**
 * What Kong has to know of the services that call: a consumer each, its keys, and one acl group named after it. With a
 * group per caller an intention is a name in the list of one acl plugin: one write when it changes, whoever has
 * identities. Groups per destination would take an entity for each pair, and one write for each destination of
 * every caller that gets its first identity.
 */

import type { Entity, HeldState } from '../entity.ts'
import { entityId, serviceName } from '../names.ts'
import { ownTags } from '../tags.ts'
import type { Identity } from './identities.ts'

/** Group of a calling service, which is the name of its consumer too. */
export const callerGroup = (service: string): string => serviceName(service)

/** What a token's `iss` names: unique in Kong, whatever key ids people write into KV. */
export const credentialKey = (service: string, kid: string): string => `${serviceName(service)}.${kid}`

export const credentialId = (
  mesh: string,
  kind: 'jwt_secret' | 'keyauth_credential',
  service: string,
  kid: string,
): string => entityId(mesh, kind, credentialKey(service, kid))

/**
 * @param identities all of one service, at least one
 * @param keys of key-auth by `<service>/<kid>`, where they could be opened
 * @param held what Kong has: a key that cannot be opened stays as it is there
 */
export function callerEntities(
  mesh: string,
  service: string,
  identities: readonly Identity[],
  keys: ReadonlyMap<string, string>,
  held: Pick<HeldState, 'get'>,
): readonly Entity[] {
  const consumer = consumerEntity(mesh, service, callerGroup(service))
  const credentials = identities.flatMap((identity) => {
    if (identity.publicKey !== null) return [jwtEntity(mesh, consumer, identity, identity.publicKey)]
    const key = keys.get(`${service}/${identity.kid}`)
    if (key !== undefined) return [keyEntity(mesh, consumer, identity, key)]
    const known = held.get(
      `keyauth_credential/${credentialId(mesh, 'keyauth_credential', service, identity.kid)}`,
    )
    return known === undefined ? [] : [known]
  })
  return [consumer, ...credentials, groupEntity(mesh, consumer, callerGroup(service))]
}

/** The caller that nobody knows, on one destination; in a group of its own where it must be refused by name. */
export function anonymousEntities(
  mesh: string,
  service: string,
  kongService: string,
  group: string | null,
): readonly Entity[] {
  const consumer = consumerEntity(mesh, service, anonymousName(kongService))
  return group === null ? [consumer] : [consumer, groupEntity(mesh, consumer, group)]
}

/** Escaping never makes `_a`: no service is called so. */
export const ANONYMOUS_GROUP = '_anonymous'
const anonymousName = (kongService: string): string => `${kongService}.${ANONYMOUS_GROUP}`
export const anonymousId = (mesh: string, kongService: string): string =>
  entityId(mesh, 'consumer', anonymousName(kongService))
export const anonymousGroupId = (mesh: string, kongService: string): string =>
  entityId(mesh, 'acl', `${anonymousName(kongService)}/${ANONYMOUS_GROUP}`)

function consumerEntity(mesh: string, service: string, name: string): Entity {
  const id = entityId(mesh, 'consumer', name)
  return {
    kind: 'consumer',
    id,
    name,
    owner: service,
    parent: '',
    fields: {},
    tags: ownTags(mesh, service, { name }),
  }
}

function jwtEntity(
  mesh: string,
  { id: parent, owner }: Entity,
  { kid }: Identity,
  publicKey: string,
): Entity {
  const name = credentialKey(owner, kid)
  const fields = { algorithm: 'ES256', rsa_public_key: publicKey, consumer: { id: parent } }
  const id = credentialId(mesh, 'jwt_secret', owner, kid)
  return {
    kind: 'jwt_secret',
    id,
    name,
    owner,
    parent,
    fields,
    tags: ownTags(mesh, owner, { ...fields, name }),
  }
}

/** Without a name: Kong's own for it is the key, which is shown nowhere. */
function keyEntity(mesh: string, { id: parent, owner }: Entity, { kid }: Identity, key: string): Entity {
  const fields = { key, consumer: { id: parent } }
  const id = credentialId(mesh, 'keyauth_credential', owner, kid)
  return {
    kind: 'keyauth_credential',
    id,
    name: '',
    owner,
    parent,
    fields,
    tags: ownTags(mesh, owner, fields),
  }
}

function groupEntity(mesh: string, { id: parent, owner, name }: Entity, group: string): Entity {
  const fields = { consumer: { id: parent } }
  const id = entityId(mesh, 'acl', `${name}/${group}`)
  return {
    kind: 'acl',
    id,
    name: group,
    owner,
    parent,
    fields,
    tags: ownTags(mesh, owner, { ...fields, name: group }),
  }
}

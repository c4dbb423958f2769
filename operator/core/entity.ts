/** Kong's configuration as plain data, one shape for what is there and what should be. */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export type Kind = 'upstream' | 'target' | 'service' | 'route' | 'plugin' | CallerKind | TlsKind

/** What Kong has to know of those who call. */
export const CALLER_KINDS = ['consumer', 'jwt_secret', 'keyauth_credential', 'acl'] as const
export type CallerKind = (typeof CALLER_KINDS)[number]

/** What hangs on a consumer. */
export type CredentialKind = Exclude<CallerKind, 'consumer'>

export const isCallerKind = (kind: Kind): kind is CallerKind =>
  (CALLER_KINDS as readonly Kind[]).includes(kind)

/** What Kong shows, or knows others by. */
export const TLS_KINDS = ['certificate', 'sni', 'ca_certificate'] as const
export type TlsKind = (typeof TLS_KINDS)[number]

export interface Entity {
  readonly kind: Kind
  readonly id: string
  /**
   * Kong's name; of a target `host:port` in Kong's normal form; of a plugin the plugin's name; of a jwt credential its key,
   * of an acl its group. '' when Kong has none, and for a key of key-auth, which is a secret.
   */
  readonly name: string
  /** Consul service the entity belongs to, by its tag `kongsul.service:`; '' for an entity that is not ours. */
  readonly owner: string
  /** Id of the upstream of a target, of the service of a route or plugin, of the consumer of a credential, of the certificate of an SNI; '' where there is none. */
  readonly parent: string
  /**
   * Field values by dotted path (`healthchecks.passive.unhealthy.tcp_failures`); arrays and references such as
   * `service` ({id}) are leaves. A desired entity names only the fields kongsul manages; an actual one has all.
   * Never id, tags, created_at, updated_at.
   */
  readonly fields: Readonly<Record<string, Json>>
  readonly tags: readonly string[]
}

/** What a service has as one that is called; a service that only calls, or called once, has none of it. */
export const isOfCalled = ({ kind }: Pick<Entity, 'kind'>): boolean => !isCallerKind(kind)

/** Entities by `${kind}/${id}`. */
export type KongState = ReadonlyMap<string, Entity>

export const keyOf = (entity: Pick<Entity, 'kind' | 'id'>): string => `${entity.kind}/${entity.id}`

/** What deciding looks at of a state that is too large to be copied for it. */
export type HeldState = Pick<KongState, 'get' | 'has' | 'values'>

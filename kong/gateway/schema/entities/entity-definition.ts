/** One kind of entity of the Admin API: its fields, and how its rows are named, linked and told apart. */

import type { EntityCheck, Field, FieldList } from '../field.ts'

export type Collection =
  | 'services'
  | 'routes'
  | 'upstreams'
  | 'targets'
  | 'plugins'
  | 'consumers'
  | 'keyauth_credentials'
  | 'acls'
  | 'jwt_secrets'
  | 'certificates'
  | 'ca_certificates'
  | 'snis'

export interface EntityDefinition {
  readonly name: Collection
  readonly fields: FieldList
  readonly entity_checks?: readonly EntityCheck[]
  readonly shorthand_fields?: Field['shorthand_fields']
  readonly subschema_key?: string
  readonly subschema_error?: string
  readonly ttl?: boolean
  /** The field that may stand for the id in a URL. */
  readonly endpointKey?: string
  /** Fields that together must be unique. */
  readonly uniqueTogether?: readonly string[]
  /** How URLs call it, alone and below another entity; its name unless given. */
  readonly pathName?: string
  readonly nestedPathName?: string
}

/**
 * The schemas of all entities, with the plugins that are enabled. Entry point of this folder: pure functions and data
 * only (`node:crypto` reads certificates); what they do is Kong 3.9.1's kong/db/schema, written anew.
 */

import { CA_CERTIFICATES, CERTIFICATES, SNIS } from './entities/certificates.ts'
import { ACLS, CONSUMERS, JWT_SECRETS, KEYAUTH_CREDENTIALS } from './entities/consumers.ts'
import type { Collection, EntityDefinition } from './entities/entity-definition.ts'
import { PLUGINS } from './entities/plugins.ts'
import { ROUTE_SUBSCHEMAS, ROUTES } from './entities/routes.ts'
import { SERVICES } from './entities/services.ts'
import { TARGETS } from './entities/targets.ts'
import { UPSTREAMS } from './entities/upstreams.ts'
import type { PluginDefinition } from './plugins/plugin-definition.ts'
import { type RecordSchema, recordSchema, withRequiredRecords } from './record-schema.ts'

/** Every entity; the order is that of Kong, which names the first one that still refers to a row. */
export const ENTITIES: Readonly<Record<Collection, EntityDefinition>> = {
  consumers: CONSUMERS,
  certificates: CERTIFICATES,
  services: SERVICES,
  routes: ROUTES,
  snis: SNIS,
  upstreams: UPSTREAMS,
  targets: TARGETS,
  plugins: PLUGINS,
  ca_certificates: CA_CERTIFICATES,
  keyauth_credentials: KEYAUTH_CREDENTIALS,
  acls: ACLS,
  jwt_secrets: JWT_SECRETS,
}

export const COLLECTIONS = Object.keys(ENTITIES) as readonly Collection[]

export type Schemas = Readonly<Record<Collection, RecordSchema>>

export function makeSchemas(plugins: readonly PluginDefinition[]): Schemas {
  const subschemas: Partial<Record<Collection, ReadonlyMap<string, RecordSchema>>> = {
    routes: ROUTE_SUBSCHEMAS,
    plugins: new Map(plugins.map((plugin) => [plugin.name, pluginSchema(plugin)])),
  }
  const schemas = COLLECTIONS.map((collection) => {
    const definition = ENTITIES[collection]
    const fields = withRequiredRecords(definition.fields)
    const own = subschemas[collection]
    return [collection, recordSchema({ ...definition, fields, ...(own ? { subschemas: own } : {}) })]
  })
  return Object.fromEntries(schemas) as Schemas
}

/** A foreign field and the collection it belongs to: who refers to whom. */
export interface Reference {
  readonly collection: Collection
  readonly field: string
  readonly parent: Collection
  readonly isCascading: boolean
}

export const REFERENCES: readonly Reference[] = COLLECTIONS.flatMap((collection) =>
  ENTITIES[collection].fields.flatMap((item) =>
    Object.entries(item).flatMap(([name, field]) =>
      field.type === 'foreign'
        ? [
            {
              collection,
              field: name,
              parent: field.reference as Collection,
              isCascading: field.on_delete === 'cascade',
            },
          ]
        : [],
    ),
  ),
)

const pluginSchema = (plugin: PluginDefinition): RecordSchema =>
  recordSchema({
    fields: withRequiredRecords(plugin.fields),
    ...(plugin.entity_checks ? { entity_checks: plugin.entity_checks } : {}),
  })

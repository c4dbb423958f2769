/** Plugins: the configuration is checked by the schema of the plugin named. */

import type { Field } from '../field.ts'
import { ID, SECONDS } from '../typedefs/automatic.ts'
import { TAGS, UTF8_NAME } from '../typedefs/names.ts'
import { PROTOCOL_SET } from '../typedefs/network.ts'
import type { EntityDefinition } from './entity-definition.ts'

const scope = (reference: string): Field => ({
  type: 'foreign',
  reference,
  default: null,
  on_delete: 'cascade',
})

export const PLUGINS: EntityDefinition = {
  name: 'plugins',
  endpointKey: 'instance_name',
  uniqueTogether: ['name', 'route', 'service', 'consumer'],
  subschema_key: 'name',
  subschema_error: "plugin '%s' not enabled; add it to the 'plugins' configuration property",
  fields: [
    { id: ID },
    { name: { type: 'string', required: true } },
    { instance_name: UTF8_NAME },
    { created_at: SECONDS },
    { updated_at: SECONDS },
    { route: scope('routes') },
    { service: scope('services') },
    { consumer: scope('consumers') },
    { config: { type: 'record', abstract: true } },
    { protocols: PROTOCOL_SET },
    { enabled: { type: 'boolean', required: true, default: true } },
    { tags: TAGS },
  ],
}

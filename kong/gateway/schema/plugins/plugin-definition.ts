/** A plugin's schema, as Kong's bundled plugins and plugin servers give it. */

import type { EntityCheck, Field, FieldList } from '../field.ts'

export interface PluginDefinition {
  readonly name: string
  /** Fields that differ from those of every plugin; `config` always does. */
  readonly fields: FieldList
  readonly entity_checks?: readonly EntityCheck[]
}

/** A plugin that cannot be put on a consumer. */
export const NO_CONSUMER: Field = { type: 'foreign', reference: 'consumers', eq: null }

export const config = (fields: FieldList, more: Partial<Field> = {}): { config: Field } => ({
  config: { type: 'record', fields, ...more },
})

export const flag = (value: boolean): Field => ({ type: 'boolean', required: true, default: value })

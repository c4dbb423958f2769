import type { SchemaField } from '../server/form/plugin-module.ts'

/** Nothing to configure: which services are observed is which have the plugin. */
export const schema: readonly SchemaField[] = []

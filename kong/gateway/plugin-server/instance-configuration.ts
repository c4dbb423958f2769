import type { Configured } from '../plugins-runtime/plugin.ts'
import { toBytes } from '../router/normalise-path.ts'

/** The one workspace of Kong OSS; this is the id it has in DB-less mode. */
export const WORKSPACE_ID = '0dc6f45b-8f8d-40d2-a504-473544ee190b'

/**
 * What StartInstance gets as `Config`: JSON text with the fields of the configuration that are set and those Kong
 * adds. Source: kong/runloop/plugins_iterator.lua (get_plugin_config) and the recordings.
 */
export function instanceConfiguration(
  pluginName: string,
  { id, seq, config, row }: Configured<unknown>,
): string {
  const [route, service, consumer] = ['route', 'service', 'consumer'].map(
    (field) => (row[field] as { id: string } | null | undefined)?.id,
  )
  const key = ['plugins', pluginName, route, service, consumer, '', WORKSPACE_ID]
  return toBytes(
    JSON.stringify({
      ...(withoutNulls(config) as object),
      route_id: route,
      service_id: service,
      consumer_id: consumer,
      plugin_instance_name: row['instance_name'] ?? undefined,
      __plugin_id: id,
      __ws_id: WORKSPACE_ID,
      __key__: key.map((part) => part ?? '').join(':'),
      __seq__: seq,
    }),
  )
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([name, item]) => [name, withoutNulls(item)]),
  )
}

/** The plugins of Kong's own on one Kong service of ours. */

import type { Entity } from '../entity.ts'
import { entityId, policyPluginId } from '../names.ts'
import { pluginEntity } from '../service-plugins.ts'
import { compact } from '../shared.ts'
import {
  NO_ROUTE_HEADERS,
  type PluginConfig,
  pluginConfigs,
  type RouteHeaders,
  type SharedRedis,
} from './plugin-configs.ts'
import type { TrafficSettings } from './traffic-settings.ts'

/** @param kongService name of the Kong service */
export function trafficPlugins(
  mesh: string,
  service: string,
  kongService: string,
  settings: TrafficSettings,
  redis: SharedRedis | null,
  route: RouteHeaders = NO_ROUTE_HEADERS,
): Entity[] {
  const configs =
    route === NO_ROUTE_HEADERS ? knownConfigs(settings, redis) : pluginConfigs(settings, redis, route)
  if (configs.length === 0) return []
  const parent = entityId(mesh, 'service', kongService)
  return configs.map(({ name, fields }) =>
    pluginEntity(mesh, service, parent, policyPluginId(mesh, kongService, name), name, fields),
  )
}

/** Most services have the settings of the mesh, which are one object. */
function knownConfigs(settings: TrafficSettings, redis: SharedRedis | null): readonly PluginConfig[] {
  const known = ofSettings.get(settings)
  if (known?.redis === redis) return known.configs
  const configs = pluginConfigs(settings, redis).map(({ name, fields }) => ({
    name,
    fields: compact(fields),
  }))
  ofSettings.set(settings, { redis, configs })
  return configs
}

const ofSettings = new WeakMap<
  TrafficSettings,
  { readonly redis: SharedRedis | null; readonly configs: readonly PluginConfig[] }
>()

import type { Json } from '../../core/entity.ts'
import type { JsonObject } from '../../core/kong-json.ts'
import { MESH_PLUGINS } from '../../core/service-plugins.ts'
import type { KongAdmin } from '../../kong/kong-admin.ts'
import { KongError } from '../../kong/kong-error.ts'
import { readMeshPlugins } from '../../kong/read-plugins.ts'
import type { KongFacts } from './kong-facts.ts'

/**
 * Asks Kong about itself. `GET /status` decides whether it is there, since `GET /` may answer 500 on a healthy one.
 * @throws KongError when it cannot be reached or refuses us.
 */
export async function readKongFacts(admin: KongAdmin): Promise<KongFacts> {
  const status = await admin.call('GET', ['status'])
  // Who forbids the question has not lost the plugins: nothing is known.
  const meshPlugins = await readMeshPlugins(admin).catch(() => undefined)
  try {
    return factsOf(await admin.call('GET', ['']), meshPlugins)
  } catch (error) {
    if (!(error instanceof KongError) || error.status < 500) throw error
    return {
      ...factsOf(null, meshPlugins),
      // Only a DB-less node names a configuration hash there.
      database: typeof status?.['configuration_hash'] === 'string' ? 'off' : undefined,
      rootError: String(error.status),
    }
  }
}

function factsOf(root: JsonObject | null, meshPlugins: KongFacts['meshPlugins']): KongFacts {
  const configuration = objectOf(root?.['configuration'])
  const available = objectOf(objectOf(root?.['plugins'])['available_on_server'])
  const text = (value: Json | undefined) => (typeof value === 'string' ? value : undefined)
  const frequency = configuration['worker_state_update_frequency']
  return {
    version: text(root?.['version']),
    database: text(configuration['database']),
    routerFlavor: text(configuration['router_flavor']),
    workerConsistency: text(configuration['worker_consistency']),
    workerStateUpdateFrequency: typeof frequency === 'number' ? frequency : undefined,
    enabledPlugins: root === null ? undefined : Object.keys(available).toSorted(),
    meshPlugins,
    proxyAccessLog: text(configuration['proxy_access_log']),
    hostname: text(root?.['hostname']),
    workers: listOf(objectOf(root?.['pids'])['workers']).filter((pid) => typeof pid === 'number'),
    sockets: listOf(configuration['pluginservers'])
      .map(objectOf)
      .filter(({ name }) => MESH_PLUGINS.some((ours) => ours === name))
      .flatMap(({ socket }) => text(socket) ?? []),
    rootError: undefined,
  }
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}

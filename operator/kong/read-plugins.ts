import { MESH_PLUGINS, type MeshPlugin } from '../core/service-plugins.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

/**
 * Which plugins of kongsul this Kong has loaded: those have a schema (`GET /schemas/plugins/<name>`, else 404). `GET /`
 * lists them too, and answers 500 on a healthy Kong that starts a plugin server itself.
 * @throws KongError when Kong says neither
 */
export async function readMeshPlugins(admin: KongAdmin): Promise<readonly MeshPlugin[]> {
  const loaded = await Promise.all(MESH_PLUGINS.map((name) => isLoaded(admin, name)))
  return MESH_PLUGINS.filter((_, index) => loaded[index])
}

async function isLoaded(admin: KongAdmin, name: MeshPlugin): Promise<boolean> {
  try {
    await admin.call('GET', ['schemas', 'plugins', name])
    return true
  } catch (error) {
    if (error instanceof KongError && error.code === 'KONG_NOT_FOUND') return false
    throw error
  }
}

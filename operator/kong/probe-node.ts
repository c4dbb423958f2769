import type { NodeProbe } from '../core/kong-nodes.ts'
import type { KongAdmin } from './kong-admin.ts'

/**
 * Asks the node that the calls of `admin` go to what it is. By `/status`, since `GET /` may fail on a healthy Kong:
 * only a node without database names the hash of its configuration there.
 */
export async function probeNode(admin: KongAdmin): Promise<NodeProbe> {
  const { url } = admin
  try {
    const status = await admin.call('GET', ['status'])
    const isDbless = typeof status?.configuration_hash === 'string'
    const database = status?.database as { readonly reachable?: boolean } | undefined
    return {
      url,
      kind: isDbless ? 'dbless' : 'database',
      isDatabaseReachable: database?.reachable !== false,
      error: null,
    }
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    return { url, kind: null, isDatabaseReachable: false, error }
  }
}

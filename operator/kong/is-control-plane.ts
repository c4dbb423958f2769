import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

/**
 * Is this Kong the control plane of a hybrid one? It has no endpoints for health marks (kong/api/routes/upstreams.lua), and
 * alone answers this question with 200. Not asked of `GET /`, which may fail on a healthy Kong.
 * @throws KongError when Kong cannot be reached
 */
export async function isControlPlane(admin: KongAdmin): Promise<boolean> {
  try {
    await admin.call('GET', ['clustering', 'data-planes'])
    return true
  } catch (error) {
    if (error instanceof KongError && error.isConnection) throw error
    return false
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

export interface KongNode {
  /** e.g. 3.9.1; null where Kong does not say. */
  readonly version: string | null
  /** Seconds until a new route is live at worst; null where Kong does not say. */
  readonly updateFrequency: number | null
  /** Without database all of a configuration is live within milliseconds, whatever the frequency. */
  readonly isDbless: boolean
}

/**
 * What Kong says about itself. `GET /` answers 500 on a healthy Kong that starts a plugin server itself (3.9.x), so
 * nothing may depend on it. Waits for Kong to be there; gives up when the signal aborts.
 */
export async function readNode(admin: KongAdmin, signal: AbortSignal): Promise<KongNode> {
  while (!signal.aborted) {
    try {
      const body = await admin.call('GET', [])
      const configuration = body?.configuration as Record<string, unknown> | undefined
      const seconds = Number(configuration?.worker_state_update_frequency ?? Number.NaN)
      const isStrict = configuration?.worker_consistency === 'strict'
      return {
        version: typeof body?.version === 'string' ? body.version : null,
        isDbless: configuration?.database === 'off',
        updateFrequency: Number.isFinite(seconds) ? (isStrict ? 0 : seconds) : null,
      }
    } catch (error) {
      if (!(error instanceof KongError) || !error.isConnection) break
      await delay(2000, undefined, { signal }).catch(() => {})
    }
  }
  return { version: null, updateFrequency: null, isDbless: false }
}

import type { ConsulConfig } from '../sync/operator-config.ts'
import { createConsulLock } from './consul-lock.ts'
import { parseLockValue } from './lock-value.ts'
import { LEASE_TIMING } from './timing.ts'

/** The KV key that the leading operator of a mesh holds. */
export const leaderKey = (mesh: string): string => `mesh/leader/${mesh}`

/**
 * Id of the operator that holds the lock now, '' for one that does not say who it is; null when nobody does.
 * @throws ConsulError
 */
export async function whoLeads(consul: ConsulConfig, mesh: string): Promise<string | null> {
  const lock = createConsulLock(consul, { key: leaderKey(mesh), serviceId: '' })
  try {
    const signal = new AbortController().signal
    const { heldBy, value } = await lock.read({ index: 0n, waitMs: 0, signal })
    if (heldBy === null) return null
    return parseLockValue(value, LEASE_TIMING.unknownGraceMs)?.id ?? ''
  } finally {
    lock.close()
  }
}

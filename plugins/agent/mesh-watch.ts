// Asks the operators for what changes in the mesh, one at a time: the next one when one does not answer.
import { setTimeout as delay } from 'node:timers/promises'
import type { MeshChanges } from '../../operator/sync/mesh-feed.ts'
import type { Logger } from '../../operator/telemetry/logger.ts'
import { rareWarning } from '../export/rare-log.ts'
import { backoffMs } from '../export/retry-delay.ts'
import type { OperatorCalls } from './operator-calls.ts'

export interface MeshWatchOptions {
  readonly operators: readonly OperatorCalls[]
  readonly onChanges: (changes: MeshChanges) => void
  readonly log: Logger
  readonly signal: AbortSignal
}

const WAIT_SECONDS = 30
const LIMIT_MS = WAIT_SECONDS * 1_000 + 5_000
/** An operator that starts shall be heard soon: circuits have no names before. */
const BACKOFF = { baseMs: 100, maxMs: 1_000 } as const
/** At most so often, or a mesh in which everything moves would keep the process busy. */
const PAUSE_MS = 20

/** Runs until `signal`. What was known stays while nobody answers. */
export async function watchMesh({ operators, onChanges, log, signal }: MeshWatchOptions): Promise<void> {
  const warn = rareWarning(log)
  let failures = 0
  let isKnown = false
  for (let at = 0; !signal.aborted && operators.length > 0; at = (at + 1) % operators.length) {
    const operator = operators[at]!
    // Each operator counts for itself.
    let index = 0
    try {
      while (!signal.aborted) {
        const path = `/internal/mesh?index=${index}&wait=${index === 0 ? '0' : `${WAIT_SECONDS}s`}`
        const changes = (await operator.call('GET', path, { timeoutMs: LIMIT_MS, signal })) as MeshChanges
        if (changes.index !== index) onChanges(changes)
        if (!isKnown || failures > 0) log.info('the operator tells of the mesh', { operator: operator.url })
        isKnown = true
        failures = 0
        index = changes.index
        await delay(PAUSE_MS, undefined, { ref: false })
      }
    } catch (error) {
      if (signal.aborted) return
      failures++
      // A round without success, not the first failure: the next operator may answer.
      if (failures % operators.length === 0) {
        warn('no operator tells of the mesh: circuits go on with what is known', {
          operator: operator.url,
          error: (error as Error).message,
        })
        const round = failures / operators.length - 1
        await delay(backoffMs(round, BACKOFF, Math.random()), undefined, { ref: false, signal }).catch(
          () => {},
        )
      }
    }
  }
}

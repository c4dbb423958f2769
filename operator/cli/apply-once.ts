import { setTimeout as delay } from 'node:timers/promises'
import type { ApplyResult } from '../sync/apply-now.ts'
import { startOperator } from '../sync/operator.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { CliError } from './cli-error.ts'

const LIMIT_MS = 60_000

/**
 * An operator that ends when it has applied everything, or one service, once.
 * @throws CliError when it does not become ready, with its reasons (another operator leads, Consul is down)
 */
export async function applyOnce(config: OperatorConfig, service: string | null): Promise<ApplyResult> {
  const api = { host: '127.0.0.1', port: 0 }
  const operator = await startOperator(
    { ...config, api, dryRun: false },
    { log: silentLogger, only: service },
  )
  try {
    const deadline = performance.now() + LIMIT_MS
    while (!operator.status().ready) {
      if (performance.now() > deadline) throw notReady(operator.status().reasons)
      await delay(50)
    }
    const result = await operator.apply(service)
    // What was applied while it became ready belongs to it.
    return { ...result, changes: operator.changes({ limit: 1000 }) }
  } finally {
    await operator.stop()
  }
}

const notReady = (reasons: readonly string[]): CliError =>
  new CliError('NOT_READY', {
    tried: `applying once, for ${LIMIT_MS / 1000} s`,
    answer: reasons.join('; '),
    remedy: 'see kongsul doctor; where an operator runs, use kongsul apply without --once',
  })

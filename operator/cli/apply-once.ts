import { setTimeout as delay } from 'node:timers/promises'
import { OPERATOR_SERVICE } from '../core/exposure.ts'
import { RequestError } from '../http/request-error.ts'
import type { ApplyResult } from '../sync/apply-now.ts'
import { type Operator, startOperator } from '../sync/operator.ts'
import type { OperatorConfig } from '../sync/operator-config.ts'
import { silentLogger } from '../telemetry/logger.ts'
import { CliError } from './cli-error.ts'
import { whoAmI } from './who-am-i.ts'

const LIMIT_MS = 60_000
/** Longer than it usually takes: then it is told what it waits for. */
const QUIET_MS = 1_000

export interface ApplyOnceOptions {
  /** Consul service that must be known; null: whatever there is. */
  readonly service?: string | null
  /** Services to write: of others nothing is. Without them `service` alone, or all. */
  readonly only?: ReadonlySet<string> | null
  /** Services of which nothing is held: that all of them vanish was asked for. */
  readonly released?: readonly string[]
  /** Told what it waits for. */
  readonly note?: (line: string) => void
}

/**
 * An operator that ends when it has applied once what differs.
 * @throws CliError when it does not become ready, with its reasons, and when another operator leads
 */
export async function applyOnce(
  config: OperatorConfig,
  {
    service = null,
    only = service === null ? null : new Set([service]),
    released = [],
    note,
  }: ApplyOnceOptions = {},
): Promise<ApplyResult> {
  const api = { host: '127.0.0.1', port: 0 }
  const operator = await startOperator(
    { ...config, api, dryRun: false },
    { log: silentLogger, only, isBrief: true },
  )
  try {
    const startedMs = performance.now()
    let told = ''
    while (!operator.status().ready) {
      const { reasons } = operator.status()
      const tookMs = performance.now() - startedMs
      if (tookMs > LIMIT_MS) throw notReady(reasons)
      const waiting = reasons.join('; ')
      if (tookMs > QUIET_MS && waiting !== told) {
        note?.(`waiting, for ${LIMIT_MS / 1000} s at most: ${waiting}`)
        told = waiting
      }
      await delay(50)
    }
    for (const each of released) await operator.release(each, whoAmI())
    const result = await operator.apply(service).catch((error: unknown) => {
      throw error instanceof RequestError ? refused(operator, error) : error
    })
    // What was applied while it became ready belongs to it.
    const meant = (names: readonly string[]) =>
      names.filter((name) => name !== OPERATOR_SERVICE && (only?.has(name) ?? true))
    const changes = operator.changes({ limit: 1000 })
    return { ...result, changes, pending: meant(result.pending), paused: meant(result.paused) }
  } finally {
    await operator.stop()
  }
}

function refused(operator: Operator, { statusCode, message }: RequestError): CliError {
  const { leader, leading } = operator.status()
  const isLed = leader !== null && !leading
  return new CliError(statusCode === 404 ? 'NOT_FOUND' : 'NOT_READY', {
    tried: 'applying once',
    answer: isLed ? `operator ${leader.id} runs and writes to Kong` : message,
    remedy: isLed ? 'use kongsul apply without --once' : 'see kongsul status',
  })
}

const notReady = (reasons: readonly string[]): CliError =>
  new CliError('NOT_READY', {
    tried: `applying once, for ${LIMIT_MS / 1000} s`,
    answer: reasons.join('; '),
    remedy: 'see kongsul doctor; where an operator runs, use kongsul apply without --once',
  })

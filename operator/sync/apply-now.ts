import { setTimeout as delay } from 'node:timers/promises'
import { RequestError } from '../http/request-error.ts'
import { unknownService } from '../http/unknown-service.ts'
import type { ChangeRecord } from './change-log.ts'
import type { Reconciler } from './reconciler.ts'

export interface ApplyResult {
  /** null: all of them. */
  readonly service: string | null
  /** What was written, or failed, since it was asked for; newest first. */
  readonly changes: readonly ChangeRecord[]
  /** Services that are not in Kong yet when the time was over; paused ones among them. */
  readonly pending: readonly string[]
  /** Those of them that somebody paused. */
  readonly paused: readonly string[]
}

const LIMIT_MS = 20_000
const LOOK_MS = 20

/**
 * `applyNow` for every Kong that can be reached; the one error there is where none can.
 * @throws RequestError
 */
export async function applyEverywhere(
  reconcilers: readonly Reconciler[],
  service: string | null,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const up = reconcilers.filter(({ connection }) => connection.isUp)
  const asked = up.length === 0 ? reconcilers.slice(0, 1) : up
  const results = await Promise.all(asked.map((each) => applyNow(each, service, signal)))
  // They share their log of changes.
  const byId = new Map(results.flatMap(({ changes }) => changes.map((change) => [change.id, change])))
  return {
    service,
    changes: [...byId.values()].sort((left, right) => right.id - left.id),
    pending: [...new Set(results.flatMap(({ pending }) => pending))].sort(),
    paused: [...new Set(results.flatMap(({ paused }) => paused))].sort(),
  }
}

/**
 * Reads Kong and applies what differs now, without waiting for a retry; what somebody kept removing is created.
 * Answers when it is done, at the latest after 20 s.
 * @throws RequestError 404 for a service that neither Consul nor Kong knows, 503 when nothing may be written
 */
export async function applyNow(
  reconciler: Reconciler,
  service: string | null,
  signal: AbortSignal,
): Promise<ApplyResult> {
  const { refusal, changes } = reconciler
  if (refusal !== null) throw new RequestError(503, `this operator writes nothing now: ${refusal}`)
  if (service !== null && !reconciler.knows(service)) {
    throw unknownService(service, reconciler.snapshot?.services.keys() ?? [])
  }
  const last = changes.lastId
  await reconciler.applyNow(service)
  const deadline = performance.now() + LIMIT_MS
  const isPending = () => (service === null ? !reconciler.queue.isSettled : reconciler.queue.isBusy(service))
  while (isPending() && performance.now() < deadline && !signal.aborted) await delay(LOOK_MS)
  const since = changes.list({ service: service ?? undefined, limit: 1000 }).changes
  const isMeant = (each: string) => service === null || each === service
  const paused = [...new Set(reconciler.planned().map((change) => change.service))].filter(isMeant)
  const waiting = new Set([...reconciler.queue.pending().filter(isMeant), ...paused])
  return {
    service,
    changes: since.filter(({ id }) => id > last),
    pending: [...waiting].sort(),
    paused: paused.sort(),
  }
}

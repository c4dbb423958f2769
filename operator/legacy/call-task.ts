import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../consul/backoff.ts'
import { CallError, type CallService } from './call-service.ts'
import { type CallFailure, type CallPlan, callBody, type Task } from './task-call.ts'

export type CallOutcome =
  | { readonly ok: true; readonly body: string }
  | ({ readonly ok: false } & CallFailure)

const RETRY = { firstMs: 200, maxMs: 5000 }
const MOST_TRIES = 4

/**
 * Calls the service with a task. Only a call of which nothing went out is made again, within the same time: a task may
 * not be done twice because a connection broke.
 */
export async function callTask(
  callService: CallService,
  task: Task,
  { service, path, timeoutMs, headers }: CallPlan,
  { isMirror, signal }: { readonly isMirror: boolean; readonly signal: AbortSignal },
): Promise<CallOutcome> {
  const until = performance.now() + timeoutMs
  const call = {
    path,
    method: 'POST',
    body: callBody(task),
    headers: {
      ...headers,
      'content-type': 'application/json',
      accept: 'application/json',
      ...(isMirror ? { 'x-mesh-mirror': 'true' } : {}),
    },
  }
  for (let tried = 1; ; tried++) {
    const leftMs = Math.max(1, Math.round(until - performance.now()))
    try {
      const { status, body } = await callService(service, { ...call, timeoutMs: leftMs })
      if (status >= 200 && status < 300) return { ok: true, body }
      return { ok: false, status, error: `${service} answered ${status}: ${body.slice(0, 300)}` }
    } catch (error) {
      const failure = { ok: false, status: null, error: (error as Error).message } as const
      const waitMs = backoffMs(tried - 1, RETRY, Math.random())
      const mayAgain = error instanceof CallError && error.isUnsent && tried < MOST_TRIES
      if (!mayAgain || performance.now() + waitMs >= until || signal.aborted) return failure
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => {}) // ends early when we stop
    }
  }
}

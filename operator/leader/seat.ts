import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../telemetry/logger.ts'
import type { ConsulLock } from './consul-lock.ts'
import type { LeaseEvent, LeaseState } from './lease.ts'

/** What the loops of one participant share. */
export interface Seat {
  readonly lock: ConsulLock
  readonly log: Logger
  /** Aborts when the participant leaves. */
  readonly leaving: AbortSignal
  state(): LeaseState
  dispatch(event: LeaseEvent): void
  /** Makes the watch of the lock ask anew, at once. */
  rereadLock(): void
}

/** Monotonic, in ms; goes on while the process is stopped. */
export function now(): number {
  return performance.now()
}

/** Returns when `ms` are over or the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, { signal }).catch(() => {})
}

// Faults on purpose, for tests: whether this request gets one, and which. Pure.
import type { FaultView } from '../../operator/core/faults.ts'

export interface Fault {
  /** 0: none. */
  readonly delayMs: number
  /** null: the request goes on. */
  readonly abortStatus: number | null
}

/**
 * Decides on one request; a request may be delayed and then aborted. Costs no PDK call where nothing is due.
 * @param random two numbers from 0 to 1, for the delay and for the abort
 * @param nowMs wall clock: they end by themselves when nobody is there to take them out
 * @returns null for a request that is left alone
 */
export function faultFor(faults: FaultView, nowMs: number, random: readonly [number, number]): Fault | null {
  if (nowMs >= faults.untilMs) return null
  const isDelayed = faults.delayMs !== null && random[0] * 100 < faults.delayPercent
  const isAborted = random[1] * 100 < faults.abortPercent
  if (!isDelayed && !isAborted) return null
  return {
    delayMs: isDelayed ? faults.delayMs! : 0,
    abortStatus: isAborted ? faults.abortStatus : null,
  }
}

/** Is the request below one of the paths? */
export const isBelow = (path: string, paths: readonly string[]): boolean =>
  paths.length === 0 || paths.some((prefix) => path.startsWith(prefix))

/** On every answer that was delayed or made up. */
export const FAULT_HEADER = 'X-Mesh-Fault'

/** What an aborted request gets. */
export function abortAnswer(service: string, status: number) {
  const message = `a fault is injected on purpose: ${service} was not asked`
  return {
    status,
    body: JSON.stringify({ code: 'FAULT_INJECTED', message, service }),
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      'Cache-Control': 'no-store',
      [FAULT_HEADER]: 'abort',
    },
  }
}

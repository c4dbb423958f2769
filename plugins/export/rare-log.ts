import type { LogFields, Logger } from '../../operator/telemetry/logger.ts'

const EVERY_MS = 30_000

/** Warnings about something that may go on for hours: one in half a minute. */
export function rareWarning(log: Logger): (message: string, fields: LogFields) => void {
  let loggedAtMs = Number.NEGATIVE_INFINITY
  return (message, fields) => {
    const now = performance.now()
    if (now - loggedAtMs < EVERY_MS) return
    loggedAtMs = now
    log.warn(message, fields)
  }
}

import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 20

/**
 * Waits until `condition` answers true; a throw counts as "not yet".
 * @throws when `deadlineMs` pass, naming `what` and the last thing that came back; at once when `signal` aborts.
 */
export async function waitUntil(
  condition: () => Promise<boolean> | boolean,
  {
    deadlineMs,
    what,
    signal,
    pollMs = POLL_MS,
  }: { deadlineMs: number; what: string; signal?: AbortSignal; pollMs?: number },
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  let last = ''
  for (;;) {
    signal?.throwIfAborted()
    try {
      if (await condition()) return
    } catch (error) {
      last = `; last: ${(error as Error).message}`
    }
    if (performance.now() > deadline)
      throw new Error(`${what} did not happen within ${deadlineMs / 1000} s${last}`)
    await delay(pollMs, undefined, signal ? { signal } : {})
  }
}

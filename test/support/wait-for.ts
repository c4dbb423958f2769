import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits until `condition` answers something truthy and returns it; a throw counts as "not yet".
 * @throws when the deadline passes, naming what was awaited and the last failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 30_000, pollMs = 10, what = 'the condition' } = {},
): Promise<NonNullable<T>> {
  const deadline = Date.now() + deadlineMs
  let last: unknown
  for (;;) {
    try {
      const value = await condition()
      if (value) return value as NonNullable<T>
      last = value
    } catch (error) {
      last = error
    }
    if (Date.now() > deadline) {
      throw new Error(`${what} did not happen within ${deadlineMs} ms; last seen: ${String(last)}`, {
        cause: last instanceof Error ? last : undefined,
      })
    }
    await delay(pollMs)
  }
}

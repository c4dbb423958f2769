/** How far the wall clocks of the log's writer and ours may differ, its way to us included. */
const TRUSTED_MS = 2_000

/**
 * When a request started, on the monotonic clock of the circuits. Logs carry wall-clock time, which may step: a start
 * that does not go with the duration is taken from the duration alone.
 *
 * @param nowMs monotonic, at the moment `wallNowMs`
 */
export function monotonicStart(
  nowMs: number,
  wallNowMs: number,
  startedAtWallMs: number,
  durationMs: number,
): number {
  const ageMs = wallNowMs - startedAtWallMs
  const isPlausible = Math.abs(ageMs - durationMs) <= TRUSTED_MS
  return nowMs - (isPlausible ? Math.max(ageMs, 0) : durationMs)
}

import type { Connection } from '../rpc/connection.ts'

/** Kong may be about to use one that was used just now. */
const IDLE_MS = 10

/**
 * Closes those that Kong has not used for longest, `most` at the most. It uses the connection that it used last, so that these are
 * the ones that it needs least; what it finds closed it opens anew.
 */
export function endLongestIdle(connections: Iterable<Connection>, most: number, now: number): void {
  const idle = [...connections].filter(({ idleSince }) => idleSince !== null && now - idleSince >= IDLE_MS)
  idle.sort((a, b) => a.idleSince! - b.idleSince!)
  for (const connection of idle.slice(0, most)) connection.destroy()
}

/** Services that differed when Kong was first compared with Consul, and how many of them are done. */
export interface FirstSync {
  readonly done: number
  readonly total: number
  readonly tookMs: number
}

/** Several Kongs that are filled beside each other, as one; null once none is. */
export function firstSyncOf(
  reconcilers: readonly { readonly firstSync: () => FirstSync | null }[],
): FirstSync | null {
  const running = reconcilers.flatMap((each) => each.firstSync() ?? [])
  if (running.length === 0) return null
  return {
    done: running.reduce((sum, { done }) => sum + done, 0),
    total: running.reduce((sum, { total }) => sum + total, 0),
    tookMs: Math.max(...running.map(({ tookMs }) => tookMs)),
  }
}

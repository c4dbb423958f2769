// An instance that fails while its health checks pass, under open-loop traffic: what clients notice.
import type { GreyBehaviour, InstanceProcess } from './instance.ts'
import type { ProcessMesh } from './process-mesh.ts'
import { type Shot, startTraffic, type Traffic } from './traffic.ts'
import { waitFor } from './wait-for.ts'

export const PER_SECOND = 200

export interface GreyFault {
  readonly service: string
  readonly bad: readonly InstanceProcess[]
  readonly behaviour: GreyBehaviour
  /** Clients give up after it, ms. */
  readonly timeoutMs?: number
  /** How long it is watched, ms. */
  readonly lastsMs: number
}

export interface GreyResult {
  readonly sent: number
  readonly failed: number
  /** When the last request that failed was sent, and when its client knew; ms after the fault. 0: none failed. */
  readonly lastSentMs: number
  readonly lastSeenMs: number
  readonly shots: readonly Shot[]
}

/** Traffic until it flows, then the fault, for as long as it is watched. It is not mended. */
export async function watchFault(
  { mesh }: ProcessMesh,
  { service, bad, behaviour, timeoutMs, lastsMs }: GreyFault,
): Promise<GreyResult> {
  const traffic = trafficTo(mesh.proxyUrl, service, { timeoutMs })
  try {
    await flowing(traffic)
    const atMs = traffic.nowMs()
    await Promise.all(bad.map((each) => each.behave(behaviour)))
    await waitFor(() => traffic.nowMs() > atMs + lastsMs, {
      deadlineMs: lastsMs + 30_000,
      what: 'the fault being watched',
    })
    return resultOf(await traffic.stop(), atMs)
  } finally {
    await traffic.stop()
  }
}

export const trafficTo = (
  proxyUrl: string,
  service: string,
  { timeoutMs = 10_000, perSecond = PER_SECOND }: { timeoutMs?: number | undefined; perSecond?: number } = {},
): Traffic =>
  startTraffic({
    url: `${proxyUrl}/`,
    headers: () => ({ host: `${service}.mesh` }),
    perSecond,
    timeoutMs,
  })

/** Waits until requests are answered as they come: processes that have just started are slow. */
export async function flowing(traffic: Traffic): Promise<void> {
  const isFlowing = () => {
    const last = traffic.shots.slice(-PER_SECOND / 2)
    return traffic.shots.length >= PER_SECOND && last.every((shot) => shot.doneMs - shot.sentMs < 100)
  }
  await waitFor(isFlowing, { what: 'requests answered within 100 ms' })
}

export function resultOf(shots: readonly Shot[], atMs: number): GreyResult {
  const failed = shots.filter(({ status }) => status !== 200)
  const last = (times: readonly number[]) => Math.max(0, ...times.map((time) => time - atMs))
  return {
    sent: shots.filter(({ sentMs }) => sentMs >= atMs).length,
    failed: failed.length,
    lastSentMs: last(failed.map(({ sentMs }) => sentMs)),
    lastSeenMs: last(failed.map(({ doneMs }) => doneMs)),
    shots,
  }
}

import { placeOf } from '../core/instance-key.ts'
import { decideMarks, type MarkRecords, type MarkView } from '../core/passive-marks.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { KongAdmin } from './kong-admin.ts'
import { markTarget, readTargetHealth } from './marks.ts'
import { RecentKeys } from './recent-keys.ts'

/** An upstream whose targets Kong may mark by itself. */
export interface WatchedUpstream {
  readonly id: string
  readonly name: string
  readonly service: string
  /** By `host:port`, the keys of the targets Consul wants traffic on. */
  readonly targets: ReadonlyMap<string, string>
}

export interface StandingMark {
  readonly service: string
  readonly target: string
  readonly sinceMs: number
  readonly failures: number
}

export interface HealerOptions {
  readonly admin: KongAdmin
  readonly log: Logger
  readonly metrics: Metrics
  readonly upstreams: () => ReadonlyMap<string, WatchedUpstream>
  /** How long a mark of the service stands the first time. */
  readonly recoverMs: (service: string) => number
  /** Does a person keep this target out? */
  readonly isClaimed: (targetKey: string) => boolean
  /** Until when the ejection of a plugin process keeps an instance out, its grace included; null: there is none. */
  readonly ejectedUntilMs: (upstream: WatchedUpstream, instance: string) => number | null
  /** The same as isClaimed, asking Kong: whoever keeps a target out did so a moment ago. */
  readonly readClaim: (upstreamId: string, targetKey: string) => Promise<boolean>
  /** False while Kong cannot be reached, or nothing may be written. */
  readonly isActive: () => boolean
  readonly onFailure: (error: unknown) => void
  /** Kong does not have an upstream, or one of its targets, that should be there. */
  readonly onMissing: (upstream: WatchedUpstream) => void
}

/** Looks per second at rest, all upstreams together, once there are too many to look at each in good time. */
const FEWEST_LOOKS = 0.9
/** An upstream is looked at this often while there are few, in s. */
const ROUND_SECONDS = 2
/** The more upstreams, the longer a round takes anyway and the less a look is worth: 20 of them still get 10 a second. */
const LOOKS_BY_UPSTREAMS = 200

/** The pause between two looks at rest, in ms: each of few upstreams every 2 s, under one call a second for thousands. */
export function idleLookMs(upstreams: number): number {
  const wanted = Math.min(upstreams / ROUND_SECONDS, LOOKS_BY_UPSTREAMS / upstreams)
  return 1000 / Math.max(FEWEST_LOOKS, wanted)
}
/** While a mark stands its upstream is looked at this often, in ms: one more may leave nobody to serve. */
const MARKED_LOOK_MS = 500
/** Unless marks stand in more upstreams than this: something larger has failed, and rounds go on. */
const MOST_MARKED = 20
const PANIC_PERCENT = 50
/** Kong builds the balancer for a new target within this time after the answer (29-58 ms measured). */
const BALANCER_MS = 70
/** How long after its return from the dead an instance's mark counts as one of before. */
const RETURNED_MS = 5000

/**
 * Takes back Kong's passive marks by looking at `/upstreams/<id>/health`: in turn when nothing happens, at once where
 * something changed or a request failed at an instance, and when a mark is due.
 */
export class PassiveHealer {
  readonly #options: HealerOptions
  readonly #records = new Map<string, MarkRecords>()
  readonly #due = new Map<string, number>()
  readonly #returned = new RecentKeys(RETURNED_MS)
  /** When requests that failed had an upstream looked at, or will have, in the order of these times. */
  readonly #told = new Map<string, number>()
  #round: string[] = []
  #nextIdleMs = 0
  #wake: (() => void) | null = null

  constructor(options: HealerOptions) {
    this.#options = options
  }

  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake?.(), { once: true })
    while (!signal.aborted) {
      const now = Date.now()
      if (this.#options.isActive()) {
        const upstream = this.#next(now)
        if (upstream !== null) {
          await this.#look(upstream, signal)
          continue
        }
      }
      await this.#sleep(this.#pauseMs(now))
    }
  }

  /** Something changed for the upstream; `returned` are targets that Consul brought back from critical or absent. */
  poke(upstreamId: string, returned: readonly string[] = []): void {
    const now = Date.now()
    for (const target of returned) this.#returned.add(`${upstreamId} ${target}`, now)
    this.#lookAt(upstreamId, now + BALANCER_MS)
    this.#wake?.()
  }

  /**
   * A request failed at an instance of the upstream, so that Kong may have marked it. However many fail, an upstream is not
   * looked at more often for it than while a mark stands.
   */
  failed(upstreamId: string): void {
    const now = Date.now()
    for (const [old, ms] of this.#told) {
      if (ms > now - MARKED_LOOK_MS) break
      this.#told.delete(old)
    }
    const lastMs = this.#told.get(upstreamId)
    if (lastMs === undefined ? this.#told.size > MOST_MARKED : lastMs > now) return
    const lookMs = lastMs === undefined ? now : lastMs + MARKED_LOOK_MS
    this.#told.delete(upstreamId)
    this.#told.set(upstreamId, lookMs)
    this.#lookAt(upstreamId, lookMs)
    this.#wake?.()
  }

  /** Marks that stand now, of targets Consul calls healthy. */
  standing(): readonly StandingMark[] {
    const upstreams = this.#options.upstreams()
    return [...this.#records].flatMap(([id, records]) =>
      [...records.values()]
        .filter((record) => record.putBackAtMs === null)
        .map(({ target, seenAtMs, failures }) => ({
          service: upstreams.get(id)?.service ?? '',
          target,
          sinceMs: seenAtMs,
          failures,
        })),
    )
  }

  #next(now: number): WatchedUpstream | null {
    const upstreams = this.#options.upstreams()
    for (const [id, dueMs] of this.#due) {
      if (dueMs > now) continue
      this.#due.delete(id)
      const upstream = upstreams.get(id)
      if (upstream !== undefined) return upstream
    }
    if (now < this.#nextIdleMs) return null
    for (let tries = 0; tries < 2; tries++) {
      let id = this.#round.pop()
      while (id !== undefined && !upstreams.has(id)) id = this.#round.pop()
      if (id !== undefined) return upstreams.get(id)!
      this.#round = [...upstreams.keys()]
    }
    this.#nextIdleMs = now + idleLookMs(0)
    return null
  }

  #pauseMs(now: number): number {
    let next = this.#options.isActive() ? this.#nextIdleMs : now + idleLookMs(0)
    if (this.#options.isActive()) for (const dueMs of this.#due.values()) next = Math.min(next, dueMs)
    return Math.max(5, next - now)
  }

  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((done) => {
      const timer = setTimeout(done, ms)
      this.#wake = () => {
        clearTimeout(timer)
        done()
      }
    })
    this.#wake = null
  }

  async #look(upstream: WatchedUpstream, signal: AbortSignal): Promise<void> {
    const { admin, metrics, onFailure, onMissing } = this.#options
    const pauseMs = idleLookMs(this.#options.upstreams().size)
    this.#nextIdleMs = Date.now() + pauseMs
    try {
      const health = await readTargetHealth(admin, upstream.id)
      if (health === null || [...upstream.targets.keys()].some((target) => !health.has(target))) {
        this.#records.delete(upstream.id)
        onMissing(upstream)
        return
      }
      const now = Date.now()
      const views = this.#views(upstream, health, now)
      const known = this.#records.get(upstream.id) ?? new Map()
      const policy = { recoverMs: this.#options.recoverMs(upstream.service), panicPercent: PANIC_PERCENT }
      const { putBack, records, nextLookMs } = decideMarks(known, views, now, policy)
      if (records.size === 0) this.#records.delete(upstream.id)
      else this.#records.set(upstream.id, records)
      metrics.marks.set({ node: admin.url }, this.standing().length)
      if (nextLookMs !== null) this.#lookAt(upstream.id, nextLookMs)
      const isMarked = [...records.values()].some(({ putBackAtMs }) => putBackAtMs === null)
      if (isMarked && this.#records.size <= MOST_MARKED) this.#lookAt(upstream.id, now + MARKED_LOOK_MS)
      await Promise.all(putBack.map((target) => this.#putBack(upstream, target, signal)))
    } catch (error) {
      onFailure(error)
      this.#nextIdleMs = Date.now() + pauseMs
    }
  }

  /** Of a host name its addresses: each has a mark of its own. */
  #views(upstream: WatchedUpstream, health: ReadonlyMap<string, string>, now: number): MarkView[] {
    const instances = instancesByTarget(health)
    return [...upstream.targets].flatMap(([target, targetKey]) => {
      const returned = this.#returned.has(`${upstream.id} ${target}`, now)
      const claimed = this.#options.isClaimed(targetKey)
      return (instances.get(target) ?? [target]).map((instance) => {
        const ejectedUntilMs = this.#options.ejectedUntilMs(upstream, instance)
        const unhealthy = health.get(instance) === 'UNHEALTHY'
        return { target: instance, wanted: true, claimed, ejectedUntilMs, returned, unhealthy }
      })
    })
  }

  async #putBack(upstream: WatchedUpstream, instance: string, signal: AbortSignal): Promise<void> {
    const { admin, log, metrics } = this.#options
    const { target } = placeOf(instance)
    // A mark that comes after this one is news.
    this.#returned.delete(`${upstream.id} ${target}`)
    if (await this.#options.readClaim(upstream.id, upstream.targets.get(target)!)) return
    // Ejected while Kong was asked.
    if ((this.#options.ejectedUntilMs(upstream, instance) ?? 0) > Date.now()) return
    if (!(await markTarget(admin, upstream.id, instance, 'healthy', signal))) return
    metrics.putBacks.inc()
    const failures = this.#records.get(upstream.id)?.get(instance)?.failures ?? 0
    log.info('target put back after a mark of Kong', {
      service: upstream.service,
      target: instance,
      failures,
    })
  }

  #lookAt(upstreamId: string, ms: number): void {
    this.#due.set(upstreamId, Math.min(ms, this.#due.get(upstreamId) ?? Infinity))
  }
}

function instancesByTarget(health: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const instance of health.keys()) {
    const { target, address } = placeOf(instance)
    if (address === null) continue
    const own = found.get(target)
    if (own === undefined) found.set(target, [instance])
    else own.push(instance)
  }
  return found
}

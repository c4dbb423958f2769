import type { Change } from '../core/diff.ts'
import { keyOf } from '../core/entity.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { DesiredIndex } from './desired-index.ts'
import { type HeldTargets, reviewShrink } from './shrink-guard.ts'

export interface HoldOptions {
  readonly log: Logger
  /** A hold may be over: decide anew. */
  readonly onDue: () => void
}

/** The removals that wait because too much vanished at once, and the clock that ends their wait. */
export class RemovalHolds {
  readonly #options: HoldOptions
  #held: HeldTargets = new Map()
  #timer: NodeJS.Timeout | null = null

  constructor(options: HoldOptions) {
    this.#options = options
  }

  get held(): HeldTargets {
    return this.#held
  }

  /** @returns the services of which something is held no more. */
  review(before: DesiredIndex, after: DesiredIndex, holdMs: number): readonly string[] {
    const held = reviewShrink(before, after, this.#held, { ms: Date.now(), holdMs })
    const released = [...this.#held].filter(([key]) => !held.has(key)).map(([, { service }]) => service)
    if (held.size > this.#held.size) {
      this.#options.log.warn('too much vanished at once: removals are held', {
        code: 'SHRINK_HELD',
        targets: held.size,
        services: new Set([...held.values()].map((hold) => hold.service)).size,
        holdSeconds: holdMs / 1000,
      })
    }
    this.#held = held
    this.#wakeAtNext()
    return released
  }

  /** @param isGone does the service want nothing any more? */
  isHeld({ action, entity, service }: Change, isGone: (service: string) => boolean): boolean {
    if (this.#held.size === 0 || action !== 'delete') return false
    if (entity.kind === 'target') return this.#held.has(keyOf(entity))
    // What held targets hang on stays with them; of a service that goes on, routes and plugins may go.
    return isGone(service) && [...this.#held.values()].some((hold) => hold.service === service)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #wakeAtNext(): void {
    this.stop()
    if (this.#held.size === 0) return
    const nextMs = Math.min(...[...this.#held.values()].map((hold) => hold.untilMs))
    this.#timer = setTimeout(this.#options.onDue, Math.max(50, nextMs - Date.now() + 20))
    this.#timer.unref()
  }
}

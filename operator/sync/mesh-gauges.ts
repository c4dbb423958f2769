import type { Desired } from '../core/desired.ts'
import type { Hold } from '../core/hold-memory.ts'
import type { Metrics } from '../telemetry/metrics.ts'

export interface MeshNumbers {
  readonly desired: Desired
  /** Services in the catalog. */
  readonly services: number
  readonly queue: number
  readonly problems: number
  readonly overrides: readonly { readonly sinceMs?: number }[]
  readonly held: readonly Hold[]
}

const EVERY_MS = 100

/**
 * Keeps the gauges up to date, a moment later: counting everything after each of thousands of services would be
 * most of the work of a first sync.
 */
export class MeshGauges {
  readonly #metrics: Metrics
  readonly #read: () => MeshNumbers
  #timer: NodeJS.Timeout | null = null

  constructor(metrics: Metrics, read: () => MeshNumbers) {
    this.#metrics = metrics
    this.#read = read
  }

  updateSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#update()
    }, EVERY_MS)
    this.#timer.unref()
  }

  #update(): void {
    const { desired, services, queue, problems, overrides, held } = this.#read()
    this.#metrics.services.set(services)
    this.#metrics.queue.set(queue)
    this.#metrics.problems.set(problems)
    this.#metrics.overrides.set(overrides.length)
    const since = overrides.flatMap(({ sinceMs }) => (sinceMs === undefined ? [] : [sinceMs / 1_000]))
    this.#metrics.oldestOverride.set(since.length === 0 ? 0 : Math.min(...since))
    const removals = held.filter(({ kind }) => kind === 'removal').length
    this.#metrics.held.set(removals)
    this.#metrics.heldWeights.set(held.length - removals)
    const counts = { healthy: 0, degraded: 0, unhealthy: 0 }
    for (const { instances } of desired.services) for (const each of instances) counts[each.health] += 1
    for (const [health, count] of Object.entries(counts)) this.#metrics.instances.set({ health }, count)
  }
}

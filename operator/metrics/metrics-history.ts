import { z } from 'zod'
import { type MeshMetrics, meshMetricsShape } from './mesh-numbers.ts'

export const historySampleShape = meshMetricsShape.extend({
  timestamp: z.iso.datetime(),
})
export type HistorySample = z.infer<typeof historySampleShape>

export const SAMPLE_MS = 10_000
export const MOST_SAMPLES = 1_000

/** The numbers of the mesh every 10 s, for almost three hours. */
export class MetricsHistory {
  readonly #samples: HistorySample[] = []
  #lastMs = Number.NEGATIVE_INFINITY

  /** Takes a sample where one is due. @param nowMs epoch */
  note(read: () => MeshMetrics, nowMs: number): void {
    // A clock that was put back must not stop it.
    if (nowMs >= this.#lastMs && nowMs < this.#lastMs + SAMPLE_MS) return
    this.#lastMs = nowMs - (nowMs % SAMPLE_MS)
    this.#samples.push({ timestamp: new Date(this.#lastMs).toISOString(), ...read() })
    if (this.#samples.length > MOST_SAMPLES) this.#samples.shift()
  }

  /** The newest so many, oldest first. */
  last(count = MOST_SAMPLES): readonly HistorySample[] {
    return count <= 0 ? [] : this.#samples.slice(-count)
  }
}

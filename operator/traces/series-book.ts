import { OTHER } from './edge-book.ts'
import { minuteOf, RollingLatency } from './rolling-latency.ts'

/** Beyond as many, new services and operations are counted as `other`: names come from whoever sends spans. */
const MOST_SERVICES = 1_000
const MOST_OPERATIONS = 2_000

export interface OperationSeries {
  readonly service: string
  readonly operation: string
  readonly calls: RollingLatency
}

/** Latency by service, and by operation of a service. */
export class SeriesBook {
  readonly #services = new Map<string, RollingLatency>()
  readonly #operations = new Map<string, OperationSeries>()

  /** A request that the service has answered. */
  countService(service: string, ms: number, isError: boolean, nowMs: number): void {
    const name = this.#services.has(service) || this.#services.size < MOST_SERVICES ? service : OTHER
    let series = this.#services.get(name)
    if (series === undefined) {
      series = new RollingLatency()
      this.#services.set(name, series)
    }
    series.record(ms, isError, minuteOf(nowMs))
  }

  countOperation(service: string, operation: string, ms: number, isError: boolean, nowMs: number): void {
    let series = this.#operations.get(`${service}\0${operation}`)
    if (series === undefined) {
      const isFull = this.#operations.size >= MOST_OPERATIONS
      if (isFull && operation !== OTHER) {
        this.countOperation(OTHER, OTHER, ms, isError, nowMs)
        return
      }
      series = { service, operation, calls: new RollingLatency() }
      this.#operations.set(`${service}\0${operation}`, series)
    }
    series.calls.record(ms, isError, minuteOf(nowMs))
  }

  service(name: string): RollingLatency | undefined {
    return this.#services.get(name)
  }

  operations(): readonly OperationSeries[] {
    return [...this.#operations.values()]
  }
}

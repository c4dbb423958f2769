import type { Metrics } from '../telemetry/metrics.ts'

/** The part of an outcome that is counted. */
export interface CountedOutcome {
  readonly serviceId: string | null
  readonly status: number
  /** `host:port` of the tries, the last of which answered or failed. */
  readonly instances: readonly string[]
  readonly durationMs: number
  /** Kong's id of the request. */
  readonly requestId: string | null
  readonly traceId: string | null
  /** The caller's span. */
  readonly parentSpanId: string | null
}

export interface RequestCounterOptions {
  readonly metrics: Metrics
  /** Consul service of a Kong service; null for one that is not ours. */
  readonly serviceOf: (serviceId: string) => string | null
  /** Is it a target of the service? */
  readonly knows: (service: string, instance: string) => boolean
  readonly mostSeries?: number
}

const MOST_SERIES = 10_000
const OTHER = 'other'

/**
 * Counts requests by service, instance and class of status. What nobody knows is counted as `other`, and there is an
 * upper bound to the series: series of instances that are gone make room.
 */
export class RequestCounter {
  readonly #options: RequestCounterOptions
  readonly #series = new Map<string, { service: string; instance: string; status: string }>()

  constructor(options: RequestCounterOptions) {
    this.#options = options
  }

  count({ serviceId, status, instances }: Pick<CountedOutcome, 'serviceId' | 'status' | 'instances'>): void {
    const { serviceOf, metrics } = this.#options
    const service = (serviceId === null ? null : serviceOf(serviceId)) ?? OTHER
    const labels = {
      service,
      instance: this.#instanceOf(service, instances.at(-1)),
      status: `${Math.floor(status / 100)}xx`,
    }
    metrics.requests.inc(this.#bounded(labels))
  }

  /** '' where no instance was tried: refused, or nobody there. */
  #instanceOf(service: string, instance: string | undefined): string {
    if (instance === undefined) return ''
    return service !== OTHER && this.#options.knows(service, instance) ? instance : OTHER
  }

  #bounded(labels: { service: string; instance: string; status: string }) {
    const key = Object.values(labels).join(' ')
    if (this.#series.has(key)) return labels
    if (this.#series.size >= (this.#options.mostSeries ?? MOST_SERIES)) this.forgetGone()
    if (this.#series.size >= (this.#options.mostSeries ?? MOST_SERIES)) {
      return { service: OTHER, instance: OTHER, status: labels.status }
    }
    this.#series.set(key, labels)
    return labels
  }

  /** Takes out instances that are gone, and all of a service that is. */
  forgetGone(knowsService: (service: string) => boolean = () => true): void {
    for (const [key, labels] of this.#series) {
      const { service, instance } = labels
      if (service === OTHER) continue
      const isPlace = instance !== OTHER && instance !== ''
      if (knowsService(service) && (!isPlace || this.#options.knows(service, instance))) continue
      this.#series.delete(key)
      this.#options.metrics.requests.remove(labels)
    }
  }
}

/**
 * Rate, errors and durations of every service, instance and edge, from outcomes: every request counts, sampled or not.
 * Series are bounded; what comes after is counted as `other`, and series of what is gone make room. Time is passed in.
 */

import { isServerFailure } from '../../plugins/spans/failure.ts'
import { CallerBook } from './caller-book.ts'
import { isFailedTry } from './failed-try.ts'
import { NO_REQUESTS, RedSeries, type RedWindow } from './red-series.ts'
import type { ToldOutcome } from './told-outcome.ts'

export interface RedBookOptions {
  /** Consul service of a Kong service; null for one that is not ours. */
  readonly serviceOf: (serviceId: string) => string | null
  /** Is it a target of the service? */
  readonly knows: (service: string, instance: string) => boolean
  /** When it begins to count, monotonic ms. */
  readonly startedMs: number
  readonly most?: { readonly services: number; readonly instances: number; readonly edges: number }
}

export interface InstanceSeries {
  readonly service: string
  /** `host:port`, or `other`. */
  readonly instance: string
  readonly series: RedSeries
}

export interface EdgeSeries {
  readonly caller: string
  readonly service: string
  readonly series: RedSeries
}

export const OTHER = 'other'
const MOST = { services: 2_000, instances: 2_000, edges: 1_000 } as const

export class RedBook {
  readonly #options: RedBookOptions
  readonly #callers = new CallerBook<ToldOutcome>()
  readonly #mesh = new RedSeries()
  readonly #services = new Map<string, RedSeries>()
  readonly #instances = new Map<string, InstanceSeries>()
  readonly #edges = new Map<string, EdgeSeries>()

  constructor(options: RedBookOptions) {
    this.#options = options
  }

  /**
   * Requests of routes that are nobody's in the mesh do not count here.
   * @param nowMs monotonic
   * @returns the service it was counted for
   */
  note(outcome: ToldOutcome, nowMs: number): string | null {
    const { serviceOf, knows } = this.#options
    const service = outcome.serviceId === null ? null : serviceOf(outcome.serviceId)
    if (service === null) return null
    const failed = isServerFailure(outcome)
    this.#mesh.add(outcome.durationMs, failed, nowMs)
    this.#service(service).add(outcome.durationMs, failed, nowMs)
    for (const each of outcome.tries) {
      const { instance, ms } = each
      if (!knows(service, instance)) continue
      this.#instance(service, instance).add(ms ?? outcome.durationMs, isFailedTry(each, outcome), nowMs)
    }
    for (const call of this.#callers.note(outcome, service, nowMs)) {
      this.#edge(call.caller, call.callee).add(call.outcome.durationMs, isServerFailure(call.outcome), nowMs)
    }
    return service
  }

  get mesh(): RedSeries {
    return this.#mesh
  }

  meshWindow(nowMs: number): RedWindow {
    return this.#mesh.window(nowMs, this.#options.startedMs)
  }

  serviceWindow(service: string, nowMs: number): RedWindow {
    return this.#services.get(service)?.window(nowMs, this.#options.startedMs) ?? NO_REQUESTS
  }

  instanceWindow(service: string, instance: string, nowMs: number): RedWindow {
    const found = this.#instances.get(keyOf(service, instance))
    return found?.series.window(nowMs, this.#options.startedMs) ?? NO_REQUESTS
  }

  edgeWindow({ series }: EdgeSeries, nowMs: number): RedWindow {
    return series.window(nowMs, this.#options.startedMs)
  }

  services(): ReadonlyMap<string, RedSeries> {
    return this.#services
  }

  instances(): readonly InstanceSeries[] {
    return [...this.#instances.values()]
  }

  edges(): readonly EdgeSeries[] {
    return [...this.#edges.values()]
  }

  /** Takes out what is no longer there; `knowsService` is false for a service that has left the catalog. */
  forgetGone(knowsService: (service: string) => boolean): void {
    const { knows } = this.#options
    const isThere = (service: string) => service === OTHER || knowsService(service)
    for (const service of this.#services.keys()) if (!isThere(service)) this.#services.delete(service)
    for (const [key, { service, instance }] of this.#instances) {
      const stays = isThere(service) && (instance === OTHER || knows(service, instance))
      if (!stays) this.#instances.delete(key)
    }
    for (const [key, { caller, service }] of this.#edges) {
      if (!isThere(caller) || !isThere(service)) this.#edges.delete(key)
    }
  }

  #service(name: string): RedSeries {
    const known = this.#services.get(name)
    if (known !== undefined) return known
    const { services: most } = this.#options.most ?? MOST
    if (name !== OTHER && this.#services.size >= most) return this.#service(OTHER)
    const series = new RedSeries()
    this.#services.set(name, series)
    return series
  }

  #instance(service: string, instance: string): RedSeries {
    const key = keyOf(service, instance)
    const known = this.#instances.get(key)
    if (known !== undefined) return known.series
    const { instances: most } = this.#options.most ?? MOST
    if (service !== OTHER && this.#instances.size >= most) return this.#instance(OTHER, OTHER)
    const series = new RedSeries()
    this.#instances.set(key, { service, instance, series })
    return series
  }

  #edge(caller: string, service: string): RedSeries {
    const key = keyOf(caller, service)
    const known = this.#edges.get(key)
    if (known !== undefined) return known.series
    const { edges: most } = this.#options.most ?? MOST
    if (caller !== OTHER && this.#edges.size >= most) return this.#edge(OTHER, OTHER)
    const series = new RedSeries()
    this.#edges.set(key, { caller, service, series })
    return series
  }
}

const keyOf = (one: string, other: string): string => `${one}\n${other}`

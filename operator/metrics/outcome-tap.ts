/** Outcomes as they come, for those who look on. Without anybody looking it costs nothing. */

import { z } from 'zod'
import type { ToldOutcome } from './told-outcome.ts'

export const tappedShape = z.object({
  time: z.iso.datetime().meta({ description: 'when the request began' }),
  service_name: z.string(),
  instance_id: z.string().nullable().meta({ description: 'Consul id of the instance that answered last' }),
  instance: z.string().nullable().meta({ description: 'host:port; null where none was asked' }),
  status: z.int(),
  method: z.string(),
  path: z.string().meta({ description: 'without its query' }),
  duration: z.number().meta({ description: 'ms' }),
  source: z.string().meta({ description: 'upstream; exit: Kong or a plugin answered; client_abort' }),
  tries: z.array(
    z.object({
      instance: z.string(),
      status: z.union([z.number(), z.string()]),
      duration: z.number().nullable(),
    }),
  ),
  trace_id: z.string().nullable(),
  request_id: z.string().nullable(),
})
export type Tapped = z.infer<typeof tappedShape>

export interface TapFilter {
  readonly service: string | null
  /** `503` or `5xx`. */
  readonly status: string | null
  /** Consul id, or host:port. */
  readonly instance: string | null
}

export class OutcomeTap {
  readonly #listeners = new Map<
    symbol,
    { readonly filter: TapFilter; readonly tell: (one: Tapped) => void }
  >()

  get listeners(): number {
    return this.#listeners.size
  }

  /** @returns ends it */
  listen(filter: TapFilter, tell: (one: Tapped) => void): () => void {
    const key = Symbol('listener')
    this.#listeners.set(key, { filter, tell })
    return () => this.#listeners.delete(key)
  }

  /** @param idOf Consul id of an instance of the service */
  note(service: string, outcome: ToldOutcome, idOf: (target: string) => string | null): void {
    if (this.#listeners.size === 0) return
    let tapped: Tapped | null = null
    for (const { filter, tell } of this.#listeners.values()) {
      if (filter.service !== null && filter.service !== service) continue
      if (filter.status !== null && !isStatus(outcome.status, filter.status)) continue
      tapped ??= tappedOf(service, outcome, idOf)
      if (filter.instance !== null && ![tapped.instance_id, tapped.instance].includes(filter.instance))
        continue
      tell(tapped)
    }
  }
}

export const isStatus = (status: number, wanted: string): boolean =>
  wanted.endsWith('xx') ? `${Math.floor(status / 100)}xx` === wanted : String(status) === wanted

function tappedOf(service: string, outcome: ToldOutcome, idOf: (target: string) => string | null): Tapped {
  const instance = outcome.instances.at(-1) ?? null
  return {
    time: new Date(outcome.startedAtMs).toISOString(),
    service_name: service,
    instance_id: instance === null ? null : idOf(instance),
    instance,
    status: outcome.status,
    method: outcome.method,
    path: outcome.path,
    duration: outcome.durationMs,
    source: outcome.source,
    tries: outcome.tries.map(({ instance: at, status, ms }) => ({ instance: at, status, duration: ms })),
    trace_id: outcome.traceId,
    request_id: outcome.requestId,
  }
}

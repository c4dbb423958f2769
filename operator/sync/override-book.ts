import type { Override } from '../core/diff.ts'
import { maskedValue } from '../core/explain-change.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface OverrideBookOptions {
  readonly log: Logger
  /** How long overrides of a service last, in ms; 0: until they are released. */
  readonly ttlMs: (service: string) => number
  /** An override of the service is over. */
  readonly onDue: (service: string) => void
}

const LONGEST_WAIT_MS = 3_600_000

/** The overrides in force as last seen: told to the log as they come and go, and ended on time. */
export class OverrideBook {
  readonly #options: OverrideBookOptions
  readonly #byService = new Map<string, readonly Override[]>()
  #timer: NodeJS.Timeout | null = null

  constructor(options: OverrideBookOptions) {
    this.#options = options
  }

  /** Sorted by service; secrets masked. */
  list(): readonly Override[] {
    return [...this.#byService]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .flatMap(([, overrides]) => overrides.map(masked))
  }

  /** All overrides of one service. */
  set(service: string, overrides: readonly Override[]): void {
    const before = this.#byService.get(service) ?? []
    if (before.length === 0 && overrides.length === 0) return
    this.#tell(before, overrides)
    if (overrides.length > 0) this.#byService.set(service, overrides)
    else this.#byService.delete(service)
    this.#wait()
  }

  /** All overrides of all services. */
  setAll(overrides: readonly Override[]): void {
    const services = new Map<string, Override[]>([...this.#byService.keys()].map((service) => [service, []]))
    for (const override of overrides) {
      const known = services.get(override.service)
      if (known === undefined) services.set(override.service, [override])
      else known.push(override)
    }
    for (const [service, each] of services) this.set(service, each)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #tell(before: readonly Override[], after: readonly Override[]): void {
    const { log } = this.#options
    const keys = (overrides: readonly Override[]) => new Set(overrides.map(keyOf))
    const [known, now] = [keys(before), keys(after)]
    const fields = ({ service, kind, name, field }: Override) => ({ service, kind, name, field })
    for (const each of after) {
      if (!known.has(keyOf(each)))
        log.info('a field edited in Kong is kept', { code: 'OVERRIDE', ...fields(each) })
    }
    for (const each of before) if (!now.has(keyOf(each))) log.info('an override is over', { ...fields(each) })
  }

  #wait(): void {
    this.stop()
    const ends = [...this.#byService].flatMap(([service, overrides]) => {
      const ttlMs = this.#options.ttlMs(service)
      if (ttlMs === 0) return []
      return overrides.flatMap(({ sinceMs }) =>
        sinceMs === undefined ? [] : [{ service, atMs: sinceMs + ttlMs }],
      )
    })
    if (ends.length === 0) return
    const nextMs = Math.min(...ends.map(({ atMs }) => atMs))
    // Dates are kept in whole seconds.
    const waitMs = Math.min(LONGEST_WAIT_MS, Math.max(1000, nextMs - Date.now() + 50))
    this.#timer = setTimeout(() => this.#due(ends), waitMs)
    this.#timer.unref()
  }

  #due(ends: readonly { readonly service: string; readonly atMs: number }[]): void {
    const nowMs = Date.now()
    const due = new Set(ends.filter(({ atMs }) => atMs <= nowMs).map(({ service }) => service))
    for (const service of due) this.#options.onDue(service)
    this.#wait()
  }
}

const keyOf = ({ kind, id, field }: Override): string => `${kind}/${id} ${field}`

const masked = (override: Override): Override => ({
  ...override,
  wanted: maskedValue(override.kind, override.field, override.wanted),
  actual: maskedValue(override.kind, override.field, override.actual),
})

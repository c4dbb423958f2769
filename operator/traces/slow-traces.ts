import type { StoredTrace } from './stored-trace.ts'

/** Of each service as many of the slowest are worth keeping. */
const KEPT = 10

interface Entry {
  readonly trace: StoredTrace
  ms: number
}

/** The slowest traces of each service among those that are stored. */
export class SlowTraces {
  readonly #byService = new Map<string, Entry[]>()

  /** `service` took `ms` in this trace. */
  offer(service: string, trace: StoredTrace, ms: number): void {
    const entries = this.#byService.get(service)
    if (entries === undefined) {
      this.#byService.set(service, [{ trace, ms }])
      trace.slowIn++
      return
    }
    const own = entries.find((entry) => entry.trace === trace)
    if (own !== undefined) {
      own.ms = Math.max(own.ms, ms)
      return
    }
    if (entries.length < KEPT) entries.push({ trace, ms })
    else {
      let least = 0
      for (let i = 1; i < entries.length; i++) if (entries[i]!.ms < entries[least]!.ms) least = i
      if (entries[least]!.ms >= ms) return
      entries[least]!.trace.slowIn--
      entries[least] = { trace, ms }
    }
    trace.slowIn++
  }

  /** A trace has gone. */
  forget(trace: StoredTrace): void {
    if (trace.slowIn === 0) return
    for (const service of new Set(trace.spans.map((span) => span.service))) {
      const entries = this.#byService.get(service)
      const at = entries?.findIndex((entry) => entry.trace === trace) ?? -1
      if (entries === undefined || at < 0) continue
      entries.splice(at, 1)
      trace.slowIn--
      if (entries.length === 0) this.#byService.delete(service)
    }
  }
}

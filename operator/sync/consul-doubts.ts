import type { ConsulError } from '../consul/consul-error.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'

type Watched = 'catalog' | 'settings'

const NOT_READ = 'not read yet'

/** Why what Consul says is not acted on, by what is read of it; told once as it begins and once as it is over. */
export class ConsulDoubts {
  readonly #log: Logger
  readonly #metrics: Pick<Metrics, 'consulConnected'>
  readonly #doubts = new Map<Watched, string>([
    ['catalog', NOT_READ],
    ['settings', NOT_READ],
  ])

  constructor(log: Logger, metrics: Pick<Metrics, 'consulConnected'>) {
    this.#log = log
    this.#metrics = metrics
  }

  /** @param doubt null: it answers again */
  note(what: Watched, doubt: ConsulError | null): void {
    const before = this.#doubts.get(what)
    if (doubt === null) this.#doubts.delete(what)
    else this.#doubts.set(what, doubt.message)
    this.#metrics.consulConnected.set(this.#doubts.size === 0 ? 1 : 0)
    if (doubt !== null && before !== doubt.message) {
      const { code, message: reason } = doubt
      this.#log.warn('Consul is in doubt: nothing is changed', { what, code, reason })
    } else if (doubt === null && before !== undefined && before !== NOT_READ) {
      this.#log.info('Consul answers again', { what })
    }
  }

  /** All of them in one line; null when there is none. */
  text(): string | null {
    if (this.#doubts.size === 0) return null
    return [...this.#doubts].map(([what, why]) => `${what}: ${why}`).join('; ')
  }
}

import type { ConsulReader } from '../consul/consul-reader.ts'
import type { KvWriter } from '../consul/kv-writer.ts'
import { faultState, faultText } from '../core/faults.ts'
import type { Problem } from '../core/problem.ts'
import type { Settings } from '../core/settings.ts'
import type { Layer } from '../core/settings-document.ts'
import type { Logger } from '../telemetry/logger.ts'
import { editSettings, settingsKey } from './edit-settings.ts'

export interface FaultBookOptions {
  readonly reader: ConsulReader
  readonly writer: KvWriter
  readonly log: Logger
  /** May this operator take out of KV what is over (the leader)? */
  readonly isActive: () => boolean
  /** null for a service that is not there. */
  readonly faultsOf: (service: string) => Settings['faults'] | null
  /** Faults may be in force that were not, or no longer: plugin processes are to be told. */
  readonly onChange: () => void
}

/** How often it is looked whether any are over: they end at the plugins by themselves. */
const LOOK_MS = 1_000

/** Services with faults on purpose: told wherever something is wrong, and taken out of KV when their time is over. */
export class FaultBook {
  readonly #options: FaultBookOptions
  /** Services whose document speaks of faults. */
  #services: readonly string[] = []
  #timer: NodeJS.Timeout | null = null
  #told = new Map<string, string>()
  #isRemoving = false

  constructor(options: FaultBookOptions) {
    this.#options = options
  }

  /** What KV holds now. */
  setDocuments(documents: ReadonlyMap<string, string>): void {
    const prefix = settingsKey('')
    this.#services = [...documents]
      .filter(([key, text]) => key.startsWith(prefix) && text.includes('faults'))
      .map(([key]) => key.slice(prefix.length))
      .sort()
    this.look(Date.now())
    if (this.#services.length === 0) this.stop()
    else this.#timer ??= setInterval(() => this.look(Date.now()), LOOK_MS).unref()
  }

  problems(nowMs: number): readonly Problem[] {
    return this.#states(nowMs).flatMap(([service, state]): Problem[] => {
      if (state.kind !== 'in_force') return []
      const mend = `take faults out of KV ${settingsKey(service)} to end them`
      const message = `${faultText(state.faults)}; ${mend}`
      return [{ code: 'FAULTS_IN_FORCE', severity: 'warning', service, message }]
    })
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#timer = null
  }

  look(nowMs: number): void {
    const { log, onChange } = this.#options
    const states = this.#states(nowMs)
    const now = new Map(
      states.flatMap(([service, state]) =>
        state.kind === 'in_force' ? [[service, faultText(state.faults)] as const] : [],
      ),
    )
    const before = this.#told
    this.#told = now
    for (const [service, what] of now) {
      if (before.get(service) !== what) log.warn('faults begin', { service, what })
    }
    for (const service of before.keys()) if (!now.has(service)) log.info('faults are over', { service })
    const isSame =
      before.size === now.size && [...now].every(([service, what]) => before.get(service) === what)
    if (!isSame) onChange()
    const over = states.filter(([, { kind }]) => kind === 'over').map(([service]) => service)
    if (over.length > 0) void this.#remove(over, nowMs)
  }

  #states(nowMs: number) {
    return this.#services.flatMap((service) => {
      const faults = this.#options.faultsOf(service)
      return faults === null ? [] : [[service, faultState(faults, nowMs)] as const]
    })
  }

  async #remove(services: readonly string[], nowMs: number): Promise<void> {
    const { log, isActive } = this.#options
    if (this.#isRemoving || !isActive()) return
    this.#isRemoving = true
    for (const service of services) {
      // Where a newer document is refused, what is in force is not what stands there.
      const changes = (layer: Layer) => (isOver(layer, nowMs) ? [{ path: 'faults', value: null }] : [])
      await editSettings(this.#options, settingsKey(service), changes).catch((error: unknown) => {
        const reason = (error as Error).message
        log.debug('faults that are over stay in KV', { service, reason })
      })
    }
    this.#isRemoving = false
  }
}

function isOver(layer: Layer, nowMs: number): boolean {
  const until = layer.get('faults.until')
  return typeof until === 'string' && Date.parse(until) <= nowMs
}

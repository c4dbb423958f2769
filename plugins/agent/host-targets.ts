// Instances behind host names. Kong resolves the names by itself, and its log tells the addresses that it asked: which
// instance an address is of Kong tells as well, by GET /upstreams/{upstream}/health.
import { isIPv4 } from 'node:net'
import { normalTarget } from '../../operator/core/target-address.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import type { MeshKnowledge } from './mesh-knowledge.ts'

/** A row of Kong's answer, as far as it is used. `addresses` is an empty object where the name does not resolve. */
export interface HealthRow {
  readonly target: string
  readonly data?: { readonly addresses?: unknown }
}

export interface HostTargetsOptions {
  readonly mesh: Pick<MeshKnowledge, 'surroundings' | 'hostUpstreams'>
  readonly read: (upstream: string) => Promise<readonly HealthRow[]>
  /** An upstream could not be read; what is known of it stays. */
  readonly onFailure: (upstream: string, error: unknown) => void
  readonly signal: AbortSignal
  /** How often all of them are read. Names get other addresses; Kong asks again when the old answer has run out. */
  readonly everyMs?: number
}

const EVERY_MS = 5_000
/** Between two calls: many upstreams are no burst. */
const GAP_MS = 50

/** Of each upstream with host names, whose address is which. */
export class HostTargets {
  readonly #options: HostTargetsOptions
  readonly #known = new Map<string, ReadonlyMap<string, string>>()
  #wake: () => void = () => {}

  constructor(options: HostTargetsOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.#wake())
    void this.#follow()
  }

  /** The mesh has changed: names that are new are asked for at once. */
  meshChanged(): void {
    for (const upstream of this.#options.mesh.hostUpstreams()) if (!this.#known.has(upstream)) this.#wake()
  }

  /** The outcome with the names by which its instances are registered, where Kong told addresses. */
  named(outcome: Outcome): Outcome {
    if (this.#known.size === 0 || outcome.serviceId === null) return outcome
    const around = this.#options.mesh.surroundings(outcome.serviceId, null)
    const targets = around && this.#known.get(around.upstream)
    if (!targets) return outcome
    const tries = outcome.tries.map((each) => {
      const target = around.health.has(each.instance) ? undefined : targets.get(each.instance)
      return target === undefined || !around.health.has(target) ? each : { ...each, instance: target }
    })
    return { ...outcome, tries }
  }

  async #follow(): Promise<void> {
    const { mesh, signal, everyMs = EVERY_MS } = this.#options
    while (!signal.aborted) {
      const upstreams = mesh.hostUpstreams()
      for (const gone of this.#known.keys()) if (!upstreams.has(gone)) this.#known.delete(gone)
      for (const upstream of upstreams) {
        await this.#read(upstream)
        await this.#pause(GAP_MS)
        if (signal.aborted) return
      }
      await this.#pause(everyMs)
    }
  }

  async #read(upstream: string): Promise<void> {
    try {
      this.#known.set(upstream, targetsByAddress(await this.#options.read(upstream)))
    } catch (error) {
      if (!this.#options.signal.aborted) this.#options.onFailure(upstream, error)
    }
  }

  /** Ends early when something has changed. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Whether a target's host is a name and not an address. */
export const isNamed = (target: string): boolean =>
  !target.startsWith('[') && !isIPv4(target.slice(0, target.lastIndexOf(':')))

/** Targets by the `ip:port` that they resolve to; an address of two targets is of neither. */
export function targetsByAddress(rows: readonly HealthRow[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const shared = new Set<string>()
  for (const { target: raw, data } of rows) {
    const target = normalTarget(raw)
    const addresses = Array.isArray(data?.addresses) ? data.addresses : []
    for (const { ip, port } of addresses as { readonly ip: string; readonly port: number }[]) {
      const address = `${ip}:${port}`
      if ((found.get(address) ?? target) !== target) shared.add(address)
      found.set(address, target)
    }
  }
  for (const address of shared) found.delete(address)
  return found
}

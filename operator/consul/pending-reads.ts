import type { RawServiceRow } from './raw-rows.ts'

/** What a read of a service has to show, for the change that asked for it to be in it. */
export interface Expectation {
  readonly minIndex: bigint
  /** Checks, as `${node}/${check id}`, that must not be seen in trouble. */
  readonly recovered: ReadonlySet<string>
}

export const ANYTHING: Expectation = { minIndex: 0n, recovered: new Set() }

/** Services to read, each once, with all that is expected of the read. */
export class PendingReads {
  readonly #services = new Map<string, Expectation>()

  get size(): number {
    return this.#services.size
  }

  add(service: string, { minIndex, recovered }: Expectation): void {
    const known = this.#services.get(service) ?? ANYTHING
    this.#services.set(service, {
      minIndex: known.minIndex > minIndex ? known.minIndex : minIndex,
      recovered: recovered.size === 0 ? known.recovered : new Set([...known.recovered, ...recovered]),
    })
  }

  /** Takes up to `count` out. */
  take(count = Number.POSITIVE_INFINITY): readonly (readonly [service: string, Expectation])[] {
    const taken: (readonly [string, Expectation])[] = []
    for (const entry of this.#services) {
      if (taken.length >= count) break
      taken.push(entry)
    }
    for (const [service] of taken) this.#services.delete(service)
    return taken
  }
}

/** False when another server answered than the one that told of the change, and it lags behind. */
export function shows(
  { minIndex, recovered }: Expectation,
  index: bigint,
  rows: readonly RawServiceRow[],
): boolean {
  if (index < minIndex) return false
  if (recovered.size === 0) return true
  const isOld = ({ Node, CheckID, Status }: { Node: string; CheckID: string; Status: string }) =>
    Status !== 'passing' && recovered.has(`${Node}/${CheckID}`)
  return !rows.some((row) => row.Checks?.some(isOld))
}

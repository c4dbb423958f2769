import type { UpstreamView } from '../../operator/core/mesh-view.ts'
import type { Health } from '../breaker/instance-circuit.ts'

/** One upstream that an instance is in, with all of its instances. */
export interface Place {
  readonly upstream: string
  readonly health: ReadonlyMap<string, Health>
}

interface Told extends Place {
  /** Kong service of the view that tells of it; several may tell of one upstream. */
  readonly by: string
}

/**
 * Which upstreams an instance is in: that of its service, those of its subsets, those of splitters. It is the same one
 * by Consul's id and its target, so that another service that has taken over the address is none of it.
 */
export class InstancePlaces {
  readonly #ids = new Map<string, Map<string, string>>()
  readonly #told = new Map<string, readonly Told[]>()

  add(by: string, { upstream, instances }: UpstreamView, health: ReadonlyMap<string, Health>): void {
    this.#ids.set(upstream, new Map(instances.map(({ target, id }) => [target, id])))
    for (const { target, id } of instances) {
      const key = keyOf(target, id)
      this.#told.set(key, [...(this.#told.get(key) ?? []), { upstream, health, by }])
    }
  }

  /** Takes back what was added. */
  remove(by: string, { upstream, instances }: UpstreamView): void {
    let isToldByOthers = false
    for (const { target, id } of instances) {
      const key = keyOf(target, id)
      const rest = this.#told.get(key)?.filter((each) => each.by !== by || each.upstream !== upstream) ?? []
      isToldByOthers ||= rest.some((each) => each.upstream === upstream)
      if (rest.length > 0) this.#told.set(key, rest)
      else this.#told.delete(key)
    }
    if (!isToldByOthers) this.#ids.delete(upstream)
  }

  /** Each upstream but this one that the instance is in. */
  elsewhere(upstream: string, target: string): readonly Place[] {
    const id = this.#ids.get(upstream)?.get(target)
    const told = id === undefined ? undefined : this.#told.get(keyOf(target, id))
    if (told === undefined || told.length < 2) return []
    const others = told.filter((each) => each.upstream !== upstream)
    return [...new Map(others.map((each) => [each.upstream, each])).values()]
  }
}

const keyOf = (target: string, id: string): string => `${target} ${id}`

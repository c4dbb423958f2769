import { compareText } from '../../operator/core/compare-text.ts'
import { isNamed, placeOf } from '../../operator/core/instance-key.ts'
import type { RouteView, ServiceView, UpstreamView } from '../../operator/core/mesh-view.ts'
import type { MeshChanges } from '../../operator/sync/mesh-feed.ts'
import type { Health } from '../breaker/instance-circuit.ts'
import type { CircuitSurroundings } from '../mesh-circuit-breaker/circuits.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import type { MeshNames } from '../spans/mesh-names.ts'
import { findRoute, isRouteOf } from './find-route.ts'
import { type HostAddresses, type Resolved, resolved } from './host-addresses.ts'
import { InstancePlaces, type Place } from './instance-places.ts'

interface Known {
  readonly view: ServiceView
  readonly surroundings: CircuitSurroundings
  readonly byAddress: Resolved['byAddress']
}

/** An upstream with targets that are host names. */
interface Hosts {
  readonly upstream: string
  readonly targets: readonly string[]
}

/** What came of newer addresses. */
export interface AddressChanges {
  /** Kong services whose instances are others now. */
  readonly services: ReadonlySet<string>
  /** Instances that are there no more. */
  readonly gone: readonly { readonly upstream: string; readonly instance: string }[]
}

/** What the operator has told of the mesh. It stays when no operator answers any more. */
export class MeshKnowledge implements MeshNames {
  readonly #node: string
  /** By every Kong service that leads to one of its upstreams. */
  #services = new Map<string, Known>()
  #places = new InstancePlaces()
  /** What was added of each view: names stand there as their addresses. */
  #added = new Map<string, readonly UpstreamView[]>()
  /** Of each view that has any. */
  #hosts = new Map<string, readonly Hosts[]>()
  /** What Kong has of host names; one name is the same in every upstream. */
  readonly #addresses = new Map<string, readonly string[]>()
  #routes = new Map<string, { readonly serviceId: string; readonly route: RouteView }>()

  /** @param node whose ejections are those of this process, or of the one before it */
  constructor(node: string) {
    this.#node = node
  }

  /** Answers which services changed; null: any may have. */
  update({ full, services, removed }: MeshChanges): ReadonlySet<string> | null {
    if (full) {
      this.#services = new Map()
      this.#routes = new Map()
      this.#hosts = new Map()
      this.#added = new Map()
      this.#places = new InstancePlaces()
    }
    const changed = new Set(removed)
    for (const id of removed) this.#forget(id, changed)
    for (const view of services) {
      this.#forget(view.serviceId, changed)
      this.#add(view, changed)
      for (const route of view.routes) this.#routes.set(route.id, { serviceId: view.serviceId, route })
    }
    this.#forgetAddresses()
    return full ? null : changed
  }

  /** Services that the operator has told of. */
  get size(): number {
    let size = 0
    for (const [id, { view }] of this.#services) if (view.serviceId === id) size += 1
    return size
  }

  /** Upstreams that have instances behind host names, so many that every name is in one of them. */
  hostUpstreams(): ReadonlySet<string> {
    const seen = new Set<string>()
    const upstreams = new Set<string>()
    const all = [...this.#hosts.values()].flat()
    all.sort(
      (left, right) =>
        right.targets.length - left.targets.length || compareText(left.upstream, right.upstream),
    )
    for (const { upstream, targets } of all) {
      if (targets.every((target) => seen.has(target))) continue
      for (const target of targets) seen.add(target)
      upstreams.add(upstream)
    }
    return upstreams
  }

  /** What Kong has of these host names now. */
  setAddresses(addresses: HostAddresses): AddressChanges {
    const news = new Set<string>()
    for (const [target, list] of addresses) {
      if (String(this.#addresses.get(target)) === String(list)) continue
      this.#addresses.set(target, list)
      news.add(target)
    }
    const services = new Set<string>()
    const gone: { upstream: string; instance: string }[] = []
    if (news.size === 0) return { services, gone }
    for (const [serviceId, hosts] of [...this.#hosts]) {
      if (!hosts.some(({ targets }) => targets.some((target) => news.has(target)))) continue
      const { view } = this.#services.get(serviceId)!
      const before = this.#added.get(serviceId)!
      this.#remove(view)
      this.#add(view, services)
      const after = new Set(this.#added.get(serviceId)!.flatMap(instancesOf))
      for (const each of before.flatMap(instancesOf)) {
        if (after.has(each)) continue
        const [upstream = '', instance = ''] = each.split(' ')
        gone.push({ upstream, instance })
      }
    }
    this.#forgetAddresses()
    return { services, gone }
  }

  /** How many addresses the host name of an instance has; 0 for an instance that has none. */
  addressesOf(instance: string): number {
    const { target, address } = placeOf(instance)
    return address === null ? 0 : (this.#addresses.get(target)?.length ?? 0)
  }

  /** The outcome with the names by which its instances are registered, where Kong told addresses. */
  named(outcome: Outcome): Outcome {
    const { byAddress } = this.#services.get(outcome.serviceId ?? '') ?? {}
    if (byAddress === undefined || byAddress.size === 0) return outcome
    const tries = outcome.tries.map((each) => {
      const place = byAddress.get(each.instance)
      if (!place) return each
      const { target: instance, address } = place
      return address === null ? { ...each, instance } : { ...each, instance, address }
    })
    return { ...outcome, tries }
  }

  /** An address that is asked and of nobody known, in an upstream with host names: a name may have become it. */
  stranger(outcome: Outcome): { readonly upstream: string; readonly address: string } | null {
    const known = this.#services.get(outcome.serviceId ?? '')
    if (known === undefined || !this.#hosts.has(known.view.serviceId)) return null
    const { byAddress, surroundings } = known
    const found = outcome.tries.find(
      ({ instance }) => !byAddress.has(instance) && !surroundings.health.has(instance) && isAddress(instance),
    )
    return found === undefined ? null : { upstream: surroundings.upstream, address: found.instance }
  }

  /** Does an ejection keep this instance out, whoever decided it? When its record in KV is deleted none does. */
  isEjected(upstream: string, instance: string, nowMs: number): boolean {
    for (const upstreams of this.#added.values()) {
      for (const each of upstreams) {
        if (each.upstream !== upstream) continue
        // An operator of an older version tells of none.
        const found = each.ejections?.find(({ target }) => target === instance)
        if (found !== undefined && found.untilMs > nowMs) return true
      }
    }
    return false
  }

  /** Other upstreams that the same instance is in. */
  elsewhere(upstream: string, target: string): readonly Place[] {
    return this.#places.elsewhere(upstream, target)
  }

  service(serviceId: string): string | undefined {
    return this.#services.get(serviceId)?.view.service
  }

  route(routeId: string): RouteView | undefined {
    return this.#routes.get(routeId)?.route
  }

  /** @param key of a circuit: the id of a Kong service or route */
  surroundings(key: string, serviceId: string | null): CircuitSurroundings | null {
    const id = serviceId ?? this.#routes.get(key)?.serviceId ?? key
    return this.#services.get(id)?.surroundings ?? null
  }

  /** The outcome with the route it came by, where mesh-tracing could not say it. */
  completed(outcome: Outcome): Outcome {
    const { serviceId, routeId, host, path } = outcome
    if (serviceId === null || routeId !== null) return outcome
    const view = this.#services.get(serviceId)?.view
    const route = view === undefined ? null : findRoute(view.routes, host, path)
    return route === null ? outcome : { ...outcome, routeId: route.id }
  }

  /** Is a request to this host and path for a service of the mesh? Looks at every route. */
  hasRoute(host: string, path: string): boolean {
    for (const { route } of this.#routes.values()) if (isRouteOf(route, host, path)) return true
    return false
  }

  #add(view: ServiceView, changed: Set<string>): void {
    const upstreams = upstreamsOf(view)
    const hosts = upstreams
      .map(({ upstream, instances }) => ({ upstream, targets: namesOf(instances) }))
      .filter(({ targets }) => targets.length > 0)
    if (hosts.length > 0) this.#hosts.set(view.serviceId, hosts)
    const added = upstreams.map((told) => {
      const { instances, byAddress } = resolved(told.instances, this.#addresses)
      const each = { ...told, instances }
      const surroundings = surroundingsOf(view, each, this.#node)
      if (each.serviceId !== null) {
        this.#services.set(each.serviceId, { view, surroundings, byAddress })
        changed.add(each.serviceId)
      }
      this.#places.add(view.serviceId, each, surroundings.health)
      return each
    })
    this.#added.set(view.serviceId, added)
  }

  #forget(serviceId: string, changed: Set<string>): void {
    const view = this.#services.get(serviceId)?.view
    if (view === undefined) return
    for (const { id } of view.routes) this.#routes.delete(id)
    for (const each of upstreamsOf(view)) if (each.serviceId !== null) changed.add(each.serviceId)
    this.#remove(view)
  }

  #remove({ serviceId }: ServiceView): void {
    for (const each of this.#added.get(serviceId) ?? []) {
      this.#places.remove(serviceId, each)
      if (each.serviceId !== null) this.#services.delete(each.serviceId)
    }
    this.#added.delete(serviceId)
    this.#hosts.delete(serviceId)
  }

  #forgetAddresses(): void {
    if (this.#addresses.size === 0) return
    const used = new Set([...this.#hosts.values()].flat().flatMap(({ targets }) => targets))
    for (const target of this.#addresses.keys()) if (!used.has(target)) this.#addresses.delete(target)
  }
}

const namesOf = (instances: UpstreamView['instances']): readonly string[] =>
  instances.map(({ target }) => target).filter(isNamed)

const instancesOf = ({ upstream, instances }: UpstreamView): readonly string[] =>
  instances.map(({ target }) => `${upstream} ${target}`)

const isAddress = (instance: string): boolean => /:\d+$/.test(instance) && !isNamed(instance)

// An operator of an older version tells of no more than one upstream.
const upstreamsOf = (view: ServiceView): readonly UpstreamView[] => [view, ...(view.more ?? [])]

const surroundingsOf = (
  { service, mode, faults }: ServiceView,
  // Nor of ejections.
  { upstream, instances, ejections = [] }: UpstreamView,
  node: string,
): CircuitSurroundings => ({
  service,
  upstream,
  mode,
  faults,
  health: new Map(instances.map(({ target, health }) => [target, health as Health])),
  ejectedUntilMs: new Map(
    ejections.filter(({ owner }) => owner === node).map(({ target, untilMs }) => [target, untilMs]),
  ),
  outElsewhere: new Map(
    ejections
      .filter(({ owner, isOwnMark }) => owner !== node && isOwnMark !== true)
      // Any order will do that all processes agree on.
      .map(({ target, owner }) => [target, owner < node ? 'precedes' : 'yields']),
  ),
})

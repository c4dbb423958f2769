import type { RouteView, ServiceView, UpstreamView } from '../../operator/core/mesh-view.ts'
import type { MeshChanges } from '../../operator/sync/mesh-feed.ts'
import type { Health } from '../breaker/instance-circuit.ts'
import type { CircuitSurroundings } from '../mesh-circuit-breaker/circuits.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import type { MeshNames } from '../spans/mesh-names.ts'
import { findRoute, isRouteOf } from './find-route.ts'
import { isNamed } from './host-targets.ts'
import { InstancePlaces, type Place } from './instance-places.ts'

interface Known {
  readonly view: ServiceView
  readonly surroundings: CircuitSurroundings
}

/** What the operator has told of the mesh. It stays when no operator answers any more. */
export class MeshKnowledge implements MeshNames {
  readonly #node: string
  /** By every Kong service that leads to one of its upstreams. */
  #services = new Map<string, Known>()
  #places = new InstancePlaces()
  /** Those with instances behind host names, by Kong service. */
  #hostUpstreams = new Map<string, string>()
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
      this.#hostUpstreams = new Map()
      this.#places = new InstancePlaces()
    }
    const changed = new Set(removed)
    for (const id of removed) this.#forget(id, changed)
    for (const view of services) {
      this.#forget(view.serviceId, changed)
      for (const each of upstreamsOf(view)) this.#add(view, each, changed)
      for (const route of view.routes) this.#routes.set(route.id, { serviceId: view.serviceId, route })
    }
    return full ? null : changed
  }

  /** Services that the operator has told of. */
  get size(): number {
    let size = 0
    for (const [id, { view }] of this.#services) if (view.serviceId === id) size += 1
    return size
  }

  /** Upstreams that have instances behind host names. */
  hostUpstreams(): ReadonlySet<string> {
    return new Set(this.#hostUpstreams.values())
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

  #add(view: ServiceView, each: UpstreamView, changed: Set<string>): void {
    const surroundings = surroundingsOf(view, each, this.#node)
    if (each.serviceId !== null) {
      this.#services.set(each.serviceId, { view, surroundings })
      if (each.instances.some(({ target }) => isNamed(target)))
        this.#hostUpstreams.set(each.serviceId, each.upstream)
      changed.add(each.serviceId)
    }
    this.#places.add(view.serviceId, each, surroundings.health)
  }

  #forget(serviceId: string, changed: Set<string>): void {
    const view = this.#services.get(serviceId)?.view
    if (view === undefined) return
    for (const { id } of view.routes) this.#routes.delete(id)
    for (const each of upstreamsOf(view)) {
      this.#places.remove(serviceId, each)
      if (each.serviceId === null) continue
      this.#services.delete(each.serviceId)
      this.#hostUpstreams.delete(each.serviceId)
      changed.add(each.serviceId)
    }
  }
}

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
})

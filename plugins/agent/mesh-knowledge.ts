import type { RouteView, ServiceView } from '../../operator/core/mesh-view.ts'
import type { MeshChanges } from '../../operator/sync/mesh-feed.ts'
import type { Health } from '../breaker/instance-circuit.ts'
import type { CircuitSurroundings } from '../mesh-circuit-breaker/circuits.ts'
import type { Outcome } from '../outcomes/outcome.ts'
import type { MeshNames } from '../spans/mesh-names.ts'
import { findRoute } from './find-route.ts'

interface Known {
  readonly view: ServiceView
  readonly surroundings: CircuitSurroundings
}

/** What the operator has told of the mesh. It stays when no operator answers any more. */
export class MeshKnowledge implements MeshNames {
  readonly #node: string
  #services = new Map<string, Known>()
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
    }
    for (const id of removed) this.#forget(id)
    for (const view of services) {
      this.#forget(view.serviceId)
      this.#services.set(view.serviceId, { view, surroundings: surroundingsOf(view, this.#node) })
      for (const route of view.routes) this.#routes.set(route.id, { serviceId: view.serviceId, route })
    }
    return full ? null : new Set([...removed, ...services.map(({ serviceId }) => serviceId)])
  }

  get size(): number {
    return this.#services.size
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

  #forget(serviceId: string): void {
    for (const { id } of this.#services.get(serviceId)?.view.routes ?? []) this.#routes.delete(id)
    this.#services.delete(serviceId)
  }
}

const surroundingsOf = (
  // An operator of an older version tells of no ejections.
  { service, upstream, instances, mode, ejections = [] }: ServiceView,
  node: string,
): CircuitSurroundings => ({
  service,
  upstream,
  mode,
  health: new Map(instances.map(({ target, health }) => [target, health as Health])),
  ejectedUntilMs: new Map(
    ejections.filter(({ owner }) => owner === node).map(({ target, untilMs }) => [target, untilMs]),
  ),
})

// A service that has routable instances in Consul must have routable targets in Kong, at every moment.
import { type HealthRow, healthOf } from './expected.ts'
import type { World } from './world.ts'

/** What is promised of a service now. */
interface Served {
  /** It was served, and Consul had somebody to serve it all the time since. */
  isServed: boolean
  /** Consul never knew it without somebody to serve it: no route may lead to nobody. */
  hasNeverBeenEmpty: boolean
}

export class RoutableWatch {
  readonly #world: World
  readonly #promises = new Map<string, Served>()

  constructor(world: World) {
    this.#world = world
  }

  /** Consul says this of the service now. */
  noteConsul(service: string, rows: readonly HealthRow[]): void {
    if (rows.some(isRoutable)) return
    const promise = this.#promiseOf(service)
    promise.isServed = false
    if (rows.length > 0) promise.hasNeverBeenEmpty = false
  }

  /** A person has taken away what the promise stands on. */
  release(service: string): void {
    this.#promises.set(service, { isServed: false, hasNeverBeenEmpty: false })
  }

  /** Everything is at rest. */
  settle(service: string, rows: readonly HealthRow[]): void {
    const isServed = rows.some(isRoutable) && this.#hasTargets(service)
    this.#promises.set(service, { isServed, hasNeverBeenEmpty: rows.length === 0 || isServed })
  }

  /** @returns what is broken now */
  broken(): readonly string[] {
    return [...this.#promises].flatMap(([service, { isServed, hasNeverBeenEmpty }]) => {
      if (this.#hasTargets(service)) return []
      if (isServed) return [`${service} has no routable target, and Consul has some for it`]
      const routes = this.#routesOf(service)
      if (hasNeverBeenEmpty && routes.length > 0) return [`${routes[0]} leads to no routable target`]
      return []
    })
  }

  #promiseOf(service: string): Served {
    const known = this.#promises.get(service) ?? { isServed: false, hasNeverBeenEmpty: true }
    this.#promises.set(service, known)
    return known
  }

  #hasTargets(service: string): boolean {
    const { replica } = this.#world
    const upstream = replica.byName('upstream', `${service}.mesh`)
    return upstream !== undefined && replica.targetsOf(upstream.id).some(({ weight }) => weight > 0)
  }

  /** One that a person has hung something onto stays when its service is gone. */
  #routesOf(service: string): readonly string[] {
    const { replica, foreign } = this.#world
    const isKept = (id: string) =>
      [...replica.all()].some(({ row }) => row.route?.id === id && foreign.has(row.id))
    const names = [`mesh.${service}.host`, `mesh.${service}.path`]
    return names.filter((name) => {
      const row = replica.byName('route', name)
      return row?.tags?.includes('managed-by:kongsul') && !foreign.has(row.id) && !isKept(row.id)
    })
  }
}

/**
 * Routable whatever the settings say. Of critical ones it depends on what they weighed before: that is judged when
 * everything is at rest, and by tests of its own.
 */
const isRoutable = (row: HealthRow): boolean => {
  const { Passing, Warning } = row.Service.Weights
  return ['passing', 'warning'].includes(healthOf(row)) && Passing > 0 && Warning > 0
}

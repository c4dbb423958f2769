/** What plugin processes need to know of the mesh: which routes, instances and mode a Kong service has. */

import type { Override } from './diff.ts'
import type { Ejection } from './ejections.ts'
import type { Entity, Json } from './entity.ts'
import type { Health } from './health.ts'

export interface ServiceView {
  readonly service: string
  readonly serviceId: string
  readonly upstream: string
  readonly upstreamId: string
  readonly routes: readonly RouteView[]
  /** What Kong may balance over, sorted; an instance that Consul calls unhealthy is told as such. */
  readonly instances: readonly InstanceView[]
  /** Mode of the breaker in Consul's settings. */
  readonly mode: string
  /** What plugin processes have ejected, sorted: one that was started anew goes on with those of its node. */
  readonly ejections: readonly EjectionView[]
}

export interface RouteView {
  readonly id: string
  readonly name: string
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
}

export interface InstanceView {
  /** `host:port` in Kong's form. */
  readonly target: string
  /** Consul's id of the instance. */
  readonly id: string
  readonly health: Health
}

export interface EjectionView {
  readonly target: string
  readonly untilMs: number
  /** Node of Kong whose process decided it. */
  readonly owner: string
}

export interface ViewedService {
  readonly service: string
  readonly entities: readonly Entity[]
  readonly instances: readonly InstanceView[]
  readonly mode: string
  /** Left out: none. */
  readonly ejections?: readonly EjectionView[]
}

/** The one that its Kong service leads to: of a service that is split the one with all legs. */
function upstreamOf({ entities }: ViewedService): Entity | undefined {
  const own = entities.find(({ kind }) => kind === 'service')
  const upstreams = entities.filter(({ kind }) => kind === 'upstream')
  return upstreams.find(({ name }) => name === own?.fields.host) ?? upstreams[0]
}

/** The services with what is ejected of each. Those of which nothing is stay the same object. */
export function withEjections(
  services: readonly ViewedService[],
  ejections: readonly Ejection[],
): readonly ViewedService[] {
  if (ejections.length === 0) return services
  const byUpstream = new Map<string, EjectionView[]>()
  for (const { upstream, target, untilMs, owner } of ejections) {
    const own = byUpstream.get(upstream) ?? []
    byUpstream.set(upstream, own)
    own.push({ target, untilMs, owner })
  }
  return services.map((service) => {
    const own = byUpstream.get(upstreamOf(service)?.name ?? '')
    if (own === undefined) return service
    return { ...service, ejections: own.sort((left, right) => (left.target < right.target ? -1 : 1)) }
  })
}

/** null for a service that has nothing in Kong. */
export function viewOf(viewed: ViewedService): ServiceView | null {
  const { service, entities, instances, mode, ejections = [] } = viewed
  const upstream = upstreamOf(viewed)
  const own = entities.find(({ kind }) => kind === 'service')
  if (upstream === undefined || own === undefined) return null
  const routes = entities.filter(({ kind }) => kind === 'route')
  return {
    service,
    serviceId: own.id,
    upstream: upstream.name,
    upstreamId: upstream.id,
    routes: routes.map(({ id, name, fields }) => ({
      id,
      name,
      hosts: texts(fields.hosts),
      paths: texts(fields.paths),
    })),
    instances: instances
      .filter(({ target }) => target !== '')
      .map(({ target, id, health }) => ({ target, id, health }))
      .sort((left, right) => (left.target < right.target ? -1 : 1)),
    mode,
    ejections,
  }
}

/** Modes of breakers where they are not `auto`, by service; what a person set on the plugin in Kong comes first. */
export function modesOf(
  views: readonly ServiceView[],
  overrides: readonly Override[],
): ReadonlyMap<string, string> {
  const byHand = new Map(overrides.filter(isMode).map(({ service, actual }) => [service, String(actual)]))
  const modes = views.map(({ service, mode }) => [service, byHand.get(service) ?? mode] as const)
  return new Map(modes.filter(([, mode]) => mode !== 'auto'))
}

/** Is it the mode of the breaker that a person has set on the plugin? */
export const isMode = ({ kind, name, field }: Override): boolean =>
  kind === 'plugin' && name === 'mesh-circuit-breaker' && field === 'config.mode'

const texts = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly string[]) : []

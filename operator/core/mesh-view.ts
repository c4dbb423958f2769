/** What plugin processes need to know of the mesh: which routes, instances and mode a Kong service has. */

import { compareText } from './compare-text.ts'
import type { Override } from './diff.ts'
import type { Entity, Json } from './entity.ts'
import type { FaultView } from './faults.ts'
import type { Health } from './health.ts'
import { serviceName } from './names.ts'

export interface ServiceView extends UpstreamView {
  readonly service: string
  readonly serviceId: string
  readonly routes: readonly RouteView[]
  /** Mode of the breaker in Consul's settings. */
  readonly mode: string
  /** What routes of a service-router lead to, and upstreams of the service that no Kong service of its own leads to. */
  readonly more?: readonly UpstreamView[]
  /** Faults in force; absent: none. */
  readonly faults?: FaultView
}

export interface UpstreamView {
  /** Kong service that leads there; null for none of this service. */
  readonly serviceId: string | null
  readonly upstream: string
  readonly upstreamId: string
  /** What Kong may balance over, sorted; an instance that Consul calls unhealthy is told as such. */
  readonly instances: readonly InstanceView[]
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
  /** That node has marks of its own: at others the target is not out. */
  readonly isOwnMark?: true
}

export interface ViewedService {
  readonly service: string
  readonly entities: readonly Entity[]
  readonly instances: readonly InstanceView[]
  readonly mode: string
  /** Left out: the service has the one upstream that its entities have, and nothing of it is ejected. */
  readonly upstreams?: readonly UpstreamView[]
  readonly faults?: FaultView | undefined
}

/** null for a service that has nothing in Kong. */
export function viewOf(viewed: ViewedService): ServiceView | null {
  const { service, entities, mode, faults } = viewed
  const own = ownKongService(viewed)
  if (own === undefined) return null
  const upstreams = viewed.upstreams ?? plainUpstream(viewed, own)
  const main = upstreams.find(({ serviceId }) => serviceId === own.id) ?? upstreams[0]
  if (main === undefined) return null
  const more = upstreams.filter((each) => each !== main)
  const routes = entities.filter(({ kind }) => kind === 'route')
  return {
    service,
    ...main,
    serviceId: own.id,
    routes: routes.map(({ id, name, fields }) => ({
      id,
      name,
      hosts: texts(fields.hosts),
      paths: texts(fields.paths),
    })),
    mode,
    ...(more.length === 0 ? {} : { more }),
    ...(faults === undefined ? {} : { faults }),
  }
}

/** The one that requests for the service as a whole go by. */
export function ownKongService({ service, entities }: Pick<ViewedService, 'service' | 'entities'>) {
  const kongServices = entities.filter(({ kind }) => kind === 'service')
  return kongServices.find(({ name }) => name === serviceName(service)) ?? kongServices[0]
}

function plainUpstream({ entities, instances }: ViewedService, own: Entity): UpstreamView[] {
  const upstream = entities.find(({ kind }) => kind === 'upstream')
  if (upstream === undefined) return []
  return [
    {
      serviceId: own.id,
      upstream: upstream.name,
      upstreamId: upstream.id,
      instances: instances
        .filter(({ target }) => target !== '')
        .map(instanceView)
        .sort(byTarget),
      ejections: [],
    },
  ]
}

export const instanceView = ({ target, id, health }: InstanceView): InstanceView => ({ target, id, health })

export const byTarget = (left: { readonly target: string }, right: { readonly target: string }): number =>
  compareText(left.target, right.target)

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

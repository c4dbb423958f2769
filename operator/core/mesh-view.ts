/** What plugin processes need to know of the mesh: which routes, instances and rules a Kong service has. */

import type { BreakerSettings } from '../../plugins/breaker/settings-defaults.ts'
import type { Override } from './diff.ts'
import type { Entity, Json } from './entity.ts'
import type { Health } from './health.ts'

export interface MeshView {
  /** Sorted by service. */
  readonly services: readonly ServiceView[]
  /** Mode of the breaker where it is not `auto`, by service; what a person set on the plugin in Kong comes first. */
  readonly modes: Readonly<Record<string, string>>
}

export interface ServiceView {
  readonly service: string
  readonly serviceId: string
  readonly upstream: string
  readonly upstreamId: string
  readonly routes: readonly {
    readonly id: string
    readonly name: string
    readonly hosts: readonly string[]
    readonly paths: readonly string[]
  }[]
  /** What Kong may balance over, sorted; an instance that Consul calls unhealthy is told as such. */
  readonly instances: readonly { readonly target: string; readonly id: string; readonly health: Health }[]
  readonly circuitBreaker: BreakerSettings
}

export interface ViewedService {
  readonly service: string
  readonly entities: readonly Entity[]
  readonly instances: readonly { readonly target: string; readonly id: string; readonly health: Health }[]
  readonly circuitBreaker: BreakerSettings
}

/** @param overrides edits by people that are kept */
export function meshView(services: readonly ViewedService[], overrides: readonly Override[]): MeshView {
  const views = services.map(viewOf).filter((view) => view !== null)
  const byHand = new Map(
    overrides.filter(isMode).map(({ service, actual }) => [service, String(actual)] as const),
  )
  const modes = views.map(({ service, circuitBreaker }) => {
    return [service, byHand.get(service) ?? circuitBreaker.mode] as const
  })
  return {
    services: views.sort((left, right) => (left.service < right.service ? -1 : 1)),
    modes: Object.fromEntries(modes.filter(([, mode]) => mode !== 'auto')),
  }
}

/** Is it the mode of the breaker that a person has set on the plugin? */
export const isMode = ({ kind, name, field }: Override): boolean =>
  kind === 'plugin' && name === 'mesh-circuit-breaker' && field === 'config.mode'

/** null for a service that has nothing in Kong. */
function viewOf({ service, entities, instances, circuitBreaker }: ViewedService): ServiceView | null {
  const upstream = entities.find(({ kind }) => kind === 'upstream')
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
    circuitBreaker,
  }
}

const texts = (value: Json | undefined): readonly string[] =>
  Array.isArray(value) ? (value as readonly string[]) : []

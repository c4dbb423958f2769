/** A service that Consul knows by its entries alone: an old name that is redirected, a name for several services. */

import type { Planned } from '../decided.ts'
import { routeWishes } from '../route-wishes.ts'
import type { PlanOptions } from '../service-plan.ts'
import type { AcceptedSettings } from '../settings.ts'
import type { Chain } from './compile-chain.ts'
import { type Bases, servicesOf } from './destinations.ts'

const NO_INSTANCES: Planned['instances'] = []

/** It is reachable where one of those that answer for it is, or where KV or `expose.default` says so. */
export function virtualService(
  service: string,
  chain: Chain,
  bases: Bases,
  settings: AcceptedSettings,
  options: PlanOptions,
): Planned {
  const effective = settings.forService(service, NO_INSTANCES)
  const said = effective.settings.expose
  const answering = chain.routes.flatMap(({ destination }) => servicesOf(destination.legs))
  const exposing = answering.find((name) => bases.get(name)?.plan.exposure.exposed === true)
  const isOpen = options.exposeDefault === 'all' || exposing !== undefined
  const exposed = effective.settings.enabled && (said ?? isOpen)
  const because = exposing === undefined ? `expose.default: ${options.exposeDefault}` : `as ${exposing}`
  const reason = `${said === null ? because : `expose: ${said} in KV`}; it has entries in Consul and no instances`
  const routes = exposed ? routeWishes(service, effective, options.hostSuffix) : { wishes: [], problems: [] }
  return {
    instances: NO_INSTANCES,
    effective,
    lastWeights: new Map(),
    held: new Map(),
    plan: {
      service,
      effective,
      exposure: { exposed, reason },
      wishes: routes.wishes,
      entities: [],
      instances: [],
      keptAtLastWeights: false,
      problems: [...effective.problems, ...routes.problems],
    },
  }
}

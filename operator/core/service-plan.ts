/** What one catalog service means for Kong, as far as it can be told without looking at the others. */

import type { Instance } from './catalog.ts'
import { CONNECT, type UpstreamTlsSettings } from './certificates/upstream-tls.ts'
import { byNodeAndId } from './consul-row.ts'
import { type Entity, keyOf } from './entity.ts'
import { type Exposure, exclusionOf, exposureOf, isTypical } from './exposure.ts'
import { rollUp } from './health.ts'
import { serviceEntities, targetEntity } from './kong-entities.ts'
import { serviceName, upstreamName } from './names.ts'
import { isLimited } from './plugin-settings/combine-settings.ts'
import type { SharedRedis } from './plugin-settings/plugin-configs.ts'
import { trafficPlugins } from './plugin-settings/traffic-plugins.ts'
import type { Problem } from './problem.ts'
import { type RouteWish, routeWishes } from './route-wishes.ts'
import { type MeshPlugin, pluginEntities } from './service-plugins.ts'
import type { ServiceSettings } from './settings.ts'
import { type InstanceReport, type KnownWeights, planTargets } from './targets.ts'

export interface ServicePlan {
  readonly service: string
  readonly effective: ServiceSettings
  readonly exposure: Exposure
  /** Empty for a service that is not exposed. */
  readonly wishes: readonly RouteWish[]
  /** Upstream, targets, Kong service and plugins with their keys; empty for a service that is not for Kong. */
  readonly entities: readonly (readonly [string, Entity])[]
  readonly instances: readonly InstanceReport[]
  /** By Kong service, where these are others than the service itself: services whose instances may answer. */
  readonly answering?: ReadonlyMap<string, readonly string[]>
  readonly keptAtLastWeights: boolean
  readonly problems: readonly Problem[]
}

export interface PlanOptions {
  readonly mesh: string
  readonly hostSuffix: string
  readonly exposeDefault: 'tagged' | 'all'
  readonly plugins: readonly MeshPlugin[]
  /** Where limits with policy redis are counted; null: nowhere. */
  readonly redis: SharedRedis | null
  /** Names of certificates and authorities that there are; undefined: nobody knows. */
  readonly tlsNames?:
    | { readonly certificates: readonly string[]; readonly authorities: readonly string[] }
    | undefined
}

/** @param before planned last, with the same options; what is still as it was is taken from it */
export function planService(
  service: string,
  instances: readonly Instance[],
  effective: ServiceSettings,
  options: PlanOptions,
  known: KnownWeights,
  before?: ServicePlan,
): ServicePlan {
  const exclusion = exclusionOf(service, instances, effective)
  if (exclusion !== null) return excluded(service, instances, effective, exclusion)
  const typical = instances.filter(isTypical)
  const { settings } = effective
  const targets = planTargets(service, typical, effective, known)
  if (targets.weights.size === 0) {
    const reason = 'no instance has an address that can be a target; register one'
    const nothing = excluded(service, instances, effective, reason)
    const problems = [...effective.problems, ...targets.problems]
    return { ...nothing, instances: targets.instances, problems }
  }
  const exposure = exposureOf(service, typical, effective, options.exposeDefault)
  const routes = exposure.exposed
    ? routeWishes(service, effective, options.hostSuffix)
    : { wishes: [], problems: [] }
  const isRetargeted = before?.effective === effective && before.entities.length > 0
  return {
    service,
    effective,
    exposure,
    wishes: routes.wishes,
    entities: isRetargeted
      ? retargeted(before.entities, options.mesh, service, targets.weights)
      : entriesOf([
          ...serviceEntities(options.mesh, service, settings, targets.weights),
          ...pluginEntities(options.mesh, service, settings, options.plugins),
          ...trafficPlugins(options.mesh, service, serviceName(service), settings, options.redis),
        ]),
    instances: targets.instances,
    keptAtLastWeights: targets.keptAtLastWeights,
    problems: [
      ...effective.problems,
      ...adviceOn(service, effective, options),
      ...targets.problems,
      ...routes.problems,
    ],
  }
}

type Entries = ServicePlan['entities']

const entriesOf = (entities: readonly Entity[]): Entries =>
  entities.map((entity) => [keyOf(entity), entity] as const)

/** Of the same settings follows the same but for the targets; of those most weigh what they did. */
function retargeted(
  before: Entries,
  mesh: string,
  service: string,
  weights: ReadonlyMap<string, number>,
): Entries {
  const known = new Map(before.filter(isTarget).map((entry) => [entry[1].name, entry]))
  const targets = [...weights].map(([target, weight]) => {
    const entry = known.get(target)
    if (entry?.[1].fields.weight === weight) return entry
    const entity = targetEntity(mesh, service, upstreamName(service), target, weight)
    return [keyOf(entity), entity] as const
  })
  const [upstream, ...others] = before.filter((entry) => !isTarget(entry))
  return [upstream!, ...targets, ...others]
}

const isTarget = ([, { kind }]: Entries[number]): boolean => kind === 'target'

function excluded(
  service: string,
  instances: readonly Instance[],
  effective: ServiceSettings,
  reason: string,
): ServicePlan {
  const isTcp = effective.settings.protocol === 'tcp' && service !== 'consul'
  return {
    service,
    effective,
    exposure: { exposed: false, reason },
    wishes: [],
    entities: [],
    instances: [...instances].sort(byNodeAndId).map((instance) => {
      const { health, reason: why } = rollUp(instance)
      const { id, node, address, port } = instance
      return { id, node, address, port, target: '', health, weight: 0, reason: why }
    }),
    keptAtLastWeights: false,
    problems: isTcp
      ? [{ code: 'PROTOCOL_NOT_ROUTED', severity: 'info', service, message: `${service}: ${reason}` }]
      : [],
  }
}

/** Settings that are valid and still not what anybody wants. */
function adviceOn(
  service: string,
  { settings, sources }: ServiceSettings,
  { redis, tlsNames }: PlanOptions,
): Problem[] {
  const advice: Problem[] = []
  const advise = (code: string, message: string): void => {
    advice.push({ code, severity: 'warning', service, message })
  }
  if (settings.retries === 0) {
    advise(
      'RETRIES_OFF',
      `retries: 0 (${sources.retries}): a crashed instance fails requests until Consul notices; set 1 or more`,
    )
  }
  const { strategy, hashOn } = settings.loadBalancing
  if (hashOn !== null && strategy !== 'ip_hash') {
    advise(
      'HASH_ON_UNUSED',
      `loadBalancing.hashOn has no effect with strategy ${strategy}; set strategy: ip_hash`,
    )
  }
  if (settings.rateLimit.policy === 'redis' && isLimited(settings.rateLimit) && redis === null) {
    advise(
      'RATE_LIMIT_LOCAL',
      'rateLimit.policy: redis, and the operator has no REDIS_URL: each node of Kong counts by itself; set it',
    )
  }
  const { tls, protocol } = settings
  if (protocol !== 'https' && (tls.verify || tls.clientCertificate !== null)) {
    advise(
      'TLS_UNUSED',
      `tls is set and the protocol is ${protocol}: nothing is checked or shown; set protocol: https`,
    )
  }
  for (const missing of missingCertificates(tls, tlsNames)) {
    const message = `tls names ${missing}, which is not there; what Kong has of the service stays until it is`
    advice.push({ code: 'TLS_CERTIFICATE_MISSING', severity: 'error', service, message })
  }
  return advice
}

function missingCertificates(
  { ca, clientCertificate }: UpstreamTlsSettings,
  known: PlanOptions['tlsNames'],
): readonly string[] {
  if (known === undefined) return []
  const authorities = (ca ?? []).filter((name) => !known.authorities.includes(name))
  const isMissing = clientCertificate !== null && !known.certificates.includes(clientCertificate)
  const what =
    clientCertificate === CONNECT ? 'connect (set connect.service)' : `mesh/certificates/${clientCertificate}`
  return [...authorities.map((name) => `mesh/authorities/${name}`), ...(isMissing ? [what] : [])]
}

/** Which catalog services Kong gets at all, and which of them are reachable through the proxy. */

import type { Instance } from './catalog.ts'
import type { ServiceSettings } from './settings.ts'

/** The operator's own catalog service: its API is never published through the proxy. */
export const OPERATOR_SERVICE = 'kongsul-operator'

const ENABLE_TAG = 'kongsul.enable='

/** Why nothing of a service goes into Kong, or null when it does. */
export function exclusionOf(
  service: string,
  instances: readonly Instance[],
  { settings }: ServiceSettings,
): string | null {
  if (service === 'consul') return "Consul's own servers are not routed"
  const typical = instances.filter(isTypical)
  if (typical.length === 0)
    return `of kind ${instances[0]?.kind}: sidecar proxies and gateways are not routed`
  if (settings.protocol === 'tcp')
    return 'protocol tcp is not routed: Kong serves http, https, grpc and grpcs here'
  if (typical.every(({ port }) => port === 0)) return 'no instance has a port; register it with one'
  return null
}

/** A service itself, not a proxy or gateway of Consul's mesh that has its name. */
export const isTypical = (instance: Instance): boolean => instance.kind === ''

export interface Exposure {
  readonly exposed: boolean
  readonly reason: string
}

/** What opts in or out, nearest first: KV of the service, tags and meta of instances, KV defaults, `expose.default`. */
export function exposureOf(
  service: string,
  instances: readonly Instance[],
  { settings, sources }: ServiceSettings,
  exposeDefault: 'tagged' | 'all',
): Exposure {
  if (service === OPERATOR_SERVICE) return no("the operator's own API is not published through the proxy")
  if (!settings.enabled) return no(`enabled: false in ${sources.enabled}`)
  const source = sources.expose ?? 'built-in'
  if (source.startsWith('mesh/services/')) return decided(settings.expose === true, `in KV ${source}`)
  if (instances.some(hasTag('true'))) return { exposed: true, reason: `tag ${ENABLE_TAG}true` }
  if (source === 'meta' && settings.expose === true)
    return { exposed: true, reason: 'meta mesh-expose: true' }
  if (instances.every(hasTag('false'))) return no(`tag ${ENABLE_TAG}false`)
  if (source === 'meta') return no('meta mesh-expose: false')
  if (settings.expose !== null) return decided(settings.expose, `in KV ${source}`)
  if (exposeDefault === 'all') return { exposed: true, reason: 'expose.default: all' }
  return no(
    `expose.default: tagged; opt in by tag ${ENABLE_TAG}true, meta mesh-expose: true or "expose: true" in KV mesh/services/${service}`,
  )
}

const no = (reason: string): Exposure => ({ exposed: false, reason })

const decided = (exposed: boolean, where: string): Exposure => ({
  exposed,
  reason: `expose: ${exposed} ${where}`,
})

const hasTag =
  (value: 'true' | 'false') =>
  (instance: Instance): boolean =>
    instance.tags.includes(`${ENABLE_TAG}${value}`)

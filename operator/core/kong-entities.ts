/** The Kong entities of one catalog service, with their ids, names and tags. */

import { tlsServiceFields } from './certificates/upstream-tls.ts'
import type { Entity, Json, Kind } from './entity.ts'
import { entityId, routeName, serviceName, targetId, upstreamName } from './names.ts'
import type { RouteWish } from './route-wishes.ts'
import type { Settings } from './settings-defaults.ts'
import { compact, sharedFields } from './shared.ts'
import { ownTags } from './tags.ts'
import { isHashing, upstreamFields } from './upstream-fields.ts'

/** Upstream, targets and Kong service: everything but the routes. */
export function serviceEntities(
  mesh: string,
  service: string,
  settings: Settings,
  weights: ReadonlyMap<string, number>,
): Entity[] {
  const upstream = upstreamName(service)
  return [
    ...upstreamEntities(mesh, service, upstream, settings, weights),
    kongServiceEntity(mesh, service, serviceName(service), settings, { host: upstream }),
  ]
}

/** An upstream of any name and its targets. */
export function upstreamEntities(
  mesh: string,
  service: string,
  name: string,
  settings: Settings,
  weights: ReadonlyMap<string, number>,
): Entity[] {
  return [
    entity(mesh, service, {
      kind: 'upstream',
      id: entityId(mesh, 'upstream', name),
      name,
      parent: '',
      fields: withHostHeader(upstreamFieldsOf(settings), settings.protocol, weights),
    }),
    ...[...weights].map(([target, weight]) => targetEntity(mesh, service, name, target, weight)),
  ]
}

/** @param target `host:port` */
export function targetEntity(
  mesh: string,
  service: string,
  upstream: string,
  target: string,
  weight: number,
): Entity {
  return entity(mesh, service, {
    kind: 'target',
    id: targetId(mesh, upstream, target),
    name: target,
    parent: entityId(mesh, 'upstream', upstream),
    fields: weightFields(weight),
  })
}

/** @param more the upstream, and what only some Kong services have */
export function kongServiceEntity(
  mesh: string,
  service: string,
  name: string,
  settings: Settings,
  more: Fields & { readonly host: string },
): Entity {
  return entity(mesh, service, {
    kind: 'service',
    id: entityId(mesh, 'service', name),
    name,
    parent: '',
    fields: {
      protocol: settings.protocol,
      connect_timeout: settings.timeouts.connectMs,
      read_timeout: settings.timeouts.readMs,
      write_timeout: settings.timeouts.writeMs,
      retries: retriesOf(settings),
      enabled: settings.enabled,
      ...tlsServiceFields(mesh, settings),
      ...more,
    },
  })
}

const HASHING_RETRIES = 10

/**
 * Consistent-hashing retries the dead target itself until Kong's passive mark is in effect, some milliseconds after the
 * first refusal. Measured on Kong 3.9.1, instance killed under 200 requests/s: with 3 retries the first request failed
 * in 5 of 8 crashes, with 6 or more in none of 60.
 */
function retriesOf(settings: Settings): number {
  const { retries } = settings
  return isHashing(settings) && retries > 0 ? Math.max(retries, HASHING_RETRIES) : retries
}

export function routeEntity(
  mesh: string,
  service: string,
  { protocol, routing }: Pick<Settings, 'protocol' | 'routing'>,
  wish: RouteWish,
): Entity {
  const serviceId = entityId(mesh, 'service', wish.kongService ?? serviceName(service))
  const name = routeName(service, wish.name)
  return entity(mesh, service, {
    kind: 'route',
    id: entityId(mesh, 'route', name),
    name,
    parent: serviceId,
    fields: {
      hosts: orNull(wish.hosts),
      paths: orNull(wish.paths),
      methods: orNull(wish.methods),
      headers: Object.keys(wish.headers).length === 0 ? null : wish.headers,
      ...protocolFields(protocol === 'grpc' || protocol === 'grpcs', routing.https === 'redirect'),
      strip_path: wish.stripPath,
      preserve_host: wish.preserveHost,
      service: { id: serviceId },
      ...(wish.regexPriority === undefined ? {} : { regex_priority: wish.regexPriority }),
    },
  })
}

/** Keeps method and body of what is sent to https. */
const PERMANENT_REDIRECT = 308

/** Named only where it is asked for: without, Kong's own answer is never given. */
function protocolFields(isGrpc: boolean, isRedirected: boolean): Fields {
  if (isGrpc) return { protocols: isRedirected ? ['grpcs'] : ['grpc', 'grpcs'] }
  if (!isRedirected) return { protocols: ['http', 'https'] }
  return { protocols: ['https'], https_redirect_status_code: PERMANENT_REDIRECT }
}

type Fields = Readonly<Record<string, Json>>

interface Plain {
  readonly kind: Kind
  readonly id: string
  readonly name: string
  readonly parent: string
  readonly fields: Fields
}

/** Key by key: what is spread has a layout of its own for each entity, which takes more memory than what is in it. */
const entity = (mesh: string, service: string, { kind, id, name, parent, fields }: Plain): Entity => ({
  kind,
  id,
  name,
  owner: service,
  parent,
  fields,
  tags: ownTags(mesh, service, { ...fields, name }, kind),
})

/** Most services have the settings of the mesh, which are one object, and most targets one of a few weights. */
function upstreamFieldsOf(settings: Settings): Fields {
  const known = ofSettings.get(settings)
  if (known !== undefined) return known
  const fields = compact(upstreamFields(settings))
  ofSettings.set(settings, fields)
  return fields
}

/**
 * Kong takes the name that it shows in the handshake of TLS, and that it verifies, from the Host it sends, which has a port where that is
 * not 443: certificates are for names. A name of the settings comes first; instances that share one host name get that; those by
 * address, or by several names, have nothing that would do for all of them.
 */
function withHostHeader(
  fields: Fields,
  protocol: Settings['protocol'],
  weights: ReadonlyMap<string, number>,
): Fields {
  if ((protocol !== 'https' && protocol !== 'grpcs') || 'host_header' in fields) return fields
  const hosts = new Set([...weights.keys()].map((target) => target.slice(0, target.lastIndexOf(':'))))
  const [name] = hosts
  if (name === undefined || [...hosts].every(isIp)) return fields
  return { ...fields, host_header: hosts.size === 1 ? name : null }
}

/** Of a target in Kong's form. */
const isIp = (host: string): boolean => host.startsWith('[') || /^[\d.]+$/.test(host)

const ofSettings = new WeakMap<Settings, Fields>()

/** The target with another weight. */
export const withWeight = (target: Entity, weight: number): Entity => ({
  ...target,
  fields: weightFields(weight),
})

const weightFields = (weight: number): Fields => sharedFields('target', { weight })

const orNull = (list: readonly string[]): readonly string[] | null => (list.length === 0 ? null : list)

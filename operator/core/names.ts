/** Names and ids of everything kongsul writes into Kong. Deterministic: two operators racing write the same entity. */

import { createHash } from 'node:crypto'
import type { Kind } from './entity.ts'
import { escapePart } from './escape.ts'

/** Kong upstream of a service: `<service>.mesh`. */
export const upstreamName = (service: string): string => `${escapePart(service)}.mesh`

/** Kong upstream of a subset of a service: `<subset>.<service>.mesh`. */
export const subsetUpstreamName = (service: string, subset: string): string =>
  `${escapePart(subset)}.${upstreamName(service)}`

/** Kong upstream over which a service-splitter spreads requests. Escaping never makes `_s`, so no subset is called so. */
export const splitUpstreamName = (service: string): string => `_split.${upstreamName(service)}`

/** Kong service of a catalog service: `mesh.<service>`. */
export const serviceName = (service: string): string => `mesh.${escapePart(service)}`

/** Kong route: `mesh.<service>.<route>`. */
export const routeName = (service: string, route: string): string =>
  `mesh.${escapePart(service)}.${escapePart(route)}`

/**
 * First label of a service's default host: the name as it is when it is a lower-case DNS label, else its escaped
 * form in lower case (so `Web` and `web` want the same host; see claims.ts for who gets it).
 */
export function hostLabel(service: string): string {
  return isDnsLabel(service) ? service : escapePart(service).toLowerCase()
}

/** Default host of a service, e.g. `web.mesh`. */
export const defaultHost = (service: string, hostSuffix: string): string =>
  `${hostLabel(service)}.${hostSuffix}`

/** Host by which a service is reached: its default one, unless its routes have others. */
export function hostFor(
  services: readonly { readonly service: string; readonly hosts: readonly string[] }[],
  service: string,
  hostSuffix: string,
): string {
  const usual = defaultHost(service, hostSuffix)
  const hosts = services.find((each) => each.service === service)?.hosts ?? []
  return hosts.includes(usual) ? usual : (hosts.find((host) => !host.includes('*')) ?? usual)
}

/** Is the default host the service's own name, not an escaped form of it? */
export const isDnsLabel = (name: string): boolean => /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)

/**
 * Default path prefix, e.g. `/web/`. The closing slash is what keeps `/web` from catching `/webshop` as well: Kong
 * matches prefixes inside a segment.
 */
export function defaultPath(service: string): string {
  return `/${isPlainSegment(service) ? service : escapePart(service).toLowerCase()}/`
}

/** One path segment of unreserved characters (RFC 3986), which Kong's normalisation leaves alone. */
const isPlainSegment = (name: string): boolean =>
  /^[A-Za-z0-9._~-]{1,200}$/.test(name) && name !== '.' && name !== '..'

/** Id of an upstream, service or route by its Kong name. */
export const entityId = (mesh: string, kind: Exclude<Kind, 'target' | 'plugin'>, name: string): string =>
  uuidV5(NAMESPACE, `${mesh}/${kind}/${name}`)

/** @param target `host:port` in Kong's normal form */
export const targetId = (mesh: string, upstream: string, target: string): string =>
  uuidV5(NAMESPACE, `${mesh}/target/${upstream}/${target}`)

export const pluginId = (mesh: string, service: string, plugin: string): string =>
  uuidV5(NAMESPACE, `${mesh}/plugin/${service}/${plugin}`)

/** Of a plugin on a Kong service that a policy made. */
export const policyPluginId = (mesh: string, kongService: string, plugin: string): string =>
  uuidV5(NAMESPACE, `${mesh}/policy-plugin/${kongService}/${plugin}`)

/** RFC 9562, section 5.5. */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest()
  hash[6] = (hash[6]! & 0x0f) | 0x50
  hash[8] = (hash[8]! & 0x3f) | 0x80
  // One text: put together of parts it would stay a tree of them for V8, of three times the memory.
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** RFC 9562, section 6.6. */
const DNS_NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
const NAMESPACE = uuidV5(DNS_NAMESPACE, 'kongsul')

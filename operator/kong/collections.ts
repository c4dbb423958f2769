import type { Entity, Kind } from '../core/entity.ts'

/** Where entities of a kind are listed and, but for targets, created and addressed. */
export const COLLECTIONS = {
  upstream: 'upstreams',
  service: 'services',
  route: 'routes',
  plugin: 'plugins',
  consumer: 'consumers',
  jwt_secret: 'jwts',
  keyauth_credential: 'key-auths',
  acl: 'acls',
  certificate: 'certificates',
  sni: 'snis',
  ca_certificate: 'ca_certificates',
} as const satisfies Record<Exclude<Kind, 'target'>, string>

export const LISTED = ['upstream', 'service', 'route', 'plugin'] as const

/** Targets live below their upstream only. */
export function collectionPath({ kind, parent }: Pick<Entity, 'kind' | 'parent'>): readonly string[] {
  return kind === 'target' ? ['upstreams', parent, 'targets'] : [COLLECTIONS[kind]]
}

export function entityPath(entity: Pick<Entity, 'kind' | 'parent' | 'id'>): readonly string[] {
  return [...collectionPath(entity), entity.id]
}

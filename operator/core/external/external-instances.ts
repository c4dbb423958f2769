/** External services as instances of the catalog, so that everything that holds for those holds for them. */

import type { CatalogSnapshot, CheckStatus, Instance } from '../catalog.ts'
import type { ExternalPlace, ExternalService } from './external-document.ts'

/** Instances are of this node, which no catalog has: Consul takes no such name. */
export const EXTERNAL_NODE = '(external)'

/** What a probe found. */
export interface Probed {
  readonly status: CheckStatus
  readonly reason: string
}

export const placeKey = ({ host, port }: ExternalPlace): string => `${host}:${port}`

/** @param probed by `placeKey`; a place that was not probed has no check, which is healthy */
export function externalInstances(
  name: string,
  { protocol, places, isWeighted }: ExternalService,
  probed: ReadonlyMap<string, Probed>,
): readonly Instance[] {
  const meta = {
    'mesh-protocol': protocol,
    ...(isWeighted ? { 'mesh-load-balancing-strategy': 'weighted' } : {}),
  }
  return places.map((place) => {
    const id = `${name}-${place.host}-${place.port}`
    const found = probed.get(placeKey(place))
    const check = (each: Probed) => ({ id: 'probe', name: each.reason, status: each.status, serviceId: id })
    return {
      node: EXTERNAL_NODE,
      id,
      address: place.host,
      port: place.port,
      tags: [],
      meta,
      weights: { passing: place.weight, warning: place.weight },
      kind: '',
      checks: found === undefined ? [] : [check(found)],
    }
  })
}

export interface WithExternals {
  readonly snapshot: CatalogSnapshot
  /** External services whose name the catalog has: the catalog wins. */
  readonly conflicts: readonly string[]
}

/** @param externals lists keep their identity while they say the same */
export function withExternals(
  snapshot: CatalogSnapshot,
  externals: ReadonlyMap<string, readonly Instance[]>,
): WithExternals {
  if (externals.size === 0) return { snapshot, conflicts: [] }
  const services = new Map(snapshot.services)
  const conflicts: string[] = []
  for (const [name, instances] of externals) {
    if ((snapshot.services.get(name) ?? []).length > 0) conflicts.push(name)
    else services.set(name, instances)
  }
  return { snapshot: { ...snapshot, services }, conflicts: conflicts.sort() }
}

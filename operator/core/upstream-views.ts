/**
 * Which upstreams each service leads to, and who answers in them: with entries of Consul that is more than one, and
 * instances of other services answer as well.
 */

import type { Ejection } from './ejections.ts'
import type { Entity } from './entity.ts'
import {
  byTarget,
  type EjectionView,
  type InstanceView,
  instanceView,
  type UpstreamView,
  type ViewedService,
} from './mesh-view.ts'

/** The services with their upstreams and what is ejected of these. Those of which nothing is to be said stay the same object. */
export function withUpstreams(
  services: readonly ViewedService[],
  ejections: readonly Ejection[],
): readonly ViewedService[] {
  const ejected = byUpstream(ejections)
  const kongs = new Map(services.map((each) => [each, kongOf(each)]))
  const places = new Map<string, Place>()
  let answering: ReadonlyMap<string, InstanceView> | null = null
  for (const [service, { upstreams }] of kongs) {
    for (const { upstream, targets } of upstreams) places.set(upstream.name, { upstream, targets, service })
  }
  const viewOf = ({ upstream, targets, service }: Place, serviceId: string | null): UpstreamView => {
    answering ??= new Map(services.flatMap(({ instances }) => instances.map((each) => [each.target, each])))
    const own = new Map(service.instances.map((each) => [each.target, each]))
    const instances = targets.flatMap((target) => {
      const found = own.get(target.name) ?? answering!.get(target.name)
      // Those of other services stand by with weight 0 while a failover is not needed.
      const isUsed = own.has(target.name) || (target.fields.weight as number) > 0
      return found !== undefined && isUsed ? [instanceView(found)] : []
    })
    return {
      serviceId,
      upstream: upstream.name,
      upstreamId: upstream.id,
      instances: instances.sort(byTarget),
      ejections: ejected.get(upstream.name) ?? [],
    }
  }
  return services.map((service) => {
    const { kongServices, upstreams, isPlain } = kongs.get(service)!
    if (isPlain && !ejected.has(upstreams[0]!.upstream.name)) return service
    const led = kongServices.flatMap(({ id, fields }) => {
      const place = places.get(String(fields.host))
      return place === undefined ? [] : [viewOf(place, id)]
    })
    const known = new Set(led.map(({ upstream }) => upstream))
    const rest = upstreams.filter(({ upstream }) => !known.has(upstream.name))
    const more = rest.map((each) => viewOf({ ...each, service }, null))
    return { ...service, upstreams: [...led, ...more] }
  })
}

interface Place {
  readonly upstream: Entity
  readonly targets: readonly Entity[]
  readonly service: ViewedService
}

/** What a service has in Kong, its own Kong service first. */
interface Kong {
  readonly instances: readonly InstanceView[]
  readonly kongServices: readonly Entity[]
  readonly upstreams: readonly { readonly upstream: Entity; readonly targets: readonly Entity[] }[]
  /** One Kong service leads to one upstream, in which its own instances answer. */
  readonly isPlain: boolean
}

/** Most services do not change between two looks at all of them. */
const known = new WeakMap<readonly Entity[], Kong>()

function kongOf({ entities, instances }: ViewedService): Kong {
  const before = known.get(entities)
  if (before?.instances === instances) return before
  const kongServices = entities.filter(({ kind }) => kind === 'service')
  const upstreams = entities
    .filter(({ kind }) => kind === 'upstream')
    .map((upstream) => ({
      upstream,
      targets: entities.filter(({ kind, parent }) => kind === 'target' && parent === upstream.id),
    }))
  const own = new Set(instances.map(({ target }) => target))
  const isPlain =
    kongServices.length === 1 &&
    upstreams.length === 1 &&
    kongServices[0]!.fields.host === upstreams[0]!.upstream.name &&
    upstreams[0]!.targets.every(({ name }) => own.has(name))
  const made = { instances, kongServices, upstreams, isPlain }
  known.set(entities, made)
  return made
}

function byUpstream(ejections: readonly Ejection[]): ReadonlyMap<string, EjectionView[]> {
  const found = new Map<string, EjectionView[]>()
  for (const { upstream, target, untilMs, owner, isOwnMark } of [...ejections].sort(byTarget)) {
    const own = found.get(upstream) ?? []
    found.set(upstream, own)
    own.push({ target, untilMs, owner, ...(isOwnMark && { isOwnMark }) })
  }
  return found
}

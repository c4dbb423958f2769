/** Where a route of a chain leads in Kong: which upstream, with whose settings. */

import type { Planned } from '../decided.ts'
import { escapePart } from '../escape.ts'
import { splitUpstreamName, subsetUpstreamName, upstreamName } from '../names.ts'
import type { Settings } from '../settings-defaults.ts'
import type { Destination, Leg } from './compile-chain.ts'
import type { TargetName } from './resolve-target.ts'

export type Bases = ReadonlyMap<string, Planned>

export const isSplit = ({ legs }: Destination): boolean => legs.length > 1

/** Whose upstream it is: the service with the splitter, or the one that answers. */
export const ownerOf = (destination: Destination): string =>
  isSplit(destination) ? destination.service : destination.legs[0]!.target.service

export const targetUpstream = ({ service, subset }: TargetName): string =>
  subset === '' ? upstreamName(service) : subsetUpstreamName(service, subset)

export const upstreamOf = (destination: Destination): string =>
  isSplit(destination) ? splitUpstreamName(destination.service) : targetUpstream(destination.legs[0]!.target)

/** As a part of a Kong name. */
export function labelOf(destination: Destination): string {
  if (isSplit(destination)) return `_split.${escapePart(destination.service)}`
  const { service, subset } = destination.legs[0]!.target
  return subset === '' ? escapePart(service) : `${escapePart(subset)}.${escapePart(service)}`
}

/** Settings of who answers; of a splitter without instances those of its first leg. */
export function settingsOf(destination: Destination, bases: Bases): Settings | null {
  const names = [ownerOf(destination), ...servicesOf(destination.legs)]
  for (const name of names) {
    const base = bases.get(name)
    if (base !== undefined && base.plan.entities.length > 0) return base.effective.settings
  }
  return null
}

/** Every service whose instances may answer. */
export const servicesOf = (legs: readonly Leg[]): readonly string[] => [
  ...new Set(
    legs.flatMap(({ target }) => [target.service, ...target.failover.map(({ service }) => service)]),
  ),
]

/** Who does not speak the protocol that the Kong service speaks: Kong has one for all targets of an upstream. */
export function speaksOtherwise(name: string, protocol: string, bases: Bases): boolean {
  const base = bases.get(name)
  return base !== undefined && base.effective.settings.protocol !== protocol
}

/** Which targets an upstream of a policy has, and what they weigh. */

import type { Settings } from '../settings-defaults.ts'
import type { Destination, Tell } from './compile-chain.ts'
import type { ConfigEntries } from './config-entries.ts'
import { type Bases, isSplit, otherWay, type Spoken, speakerOf } from './destinations.ts'
import { splitWeights, type TargetSet, type WeighedLeg, withFailover } from './leg-weights.ts'
import { type ResolvedTarget, resolveTarget, type TargetName, targetText } from './resolve-target.ts'
import type { SubsetMembers } from './subset-members.ts'
import { targetsOf } from './subset-targets.ts'

export interface TargetSources {
  readonly bases: Bases
  readonly entries: ConfigEntries
  readonly members: SubsetMembers
}

/** What the upstream of the service as a whole becomes by its failover; null: it has none. */
export function failoverWeights(service: string, from: TargetSources, tell: Tell): TargetSet | null {
  const base = from.bases.get(service)
  const resolver = from.entries.resolvers.get(service)
  if (base === undefined || resolver?.Failover === undefined) return null
  const known = { has: (name: string) => isThere(name, from.bases) }
  // Asked for without Redirect and DefaultSubset: this is the upstream of those who are named as a whole.
  const plain = new Map(from.entries.resolvers)
  plain.set(service, { ...resolver, Redirect: undefined, DefaultSubset: undefined })
  const target = resolveTarget({ service, subset: '' }, plain, known, `service ${service}`, () => {})
  if (target === null || target.failover.length === 0) return null
  return tiersOf(target, base.effective.settings, from, tell)
}

/** @param settings of the Kong services that lead there */
export function destinationWeights(
  destination: Destination,
  settings: Settings,
  from: TargetSources,
  tell: Tell,
): ReadonlyMap<string, number> {
  if (!isSplit(destination)) return tiersOf(destination.legs[0]!.target, settings, from, tell).weights
  const legs: WeighedLeg[] = destination.legs.map(({ target, share }) => ({
    ...tiersOf(target, settings, from, share === 0 ? () => {} : tell),
    share,
  }))
  const asked = destination.legs.filter(({ share }) => share > 0)
  const dead = destination.legs.filter(
    ({ target, share }, index) =>
      share > 0 && !legs[index]!.isLive && otherWay(target.service, settings, from.bases) === null,
  )
  if (dead.length > 0 && dead.length < asked.length) {
    const who = dead.map(({ target }) => targetText(target)).join(' and ')
    const what = `service-splitter ${destination.service}: ${who} can serve nothing now; the share goes to the others`
    tell('SPLIT_EMPTY', 'warning', what)
  }
  tellOfTimeouts(destination, settings, from.bases, tell)
  return splitWeights(legs)
}

function tiersOf(target: ResolvedTarget, spoken: Spoken, from: TargetSources, tell: Tell): TargetSet {
  const names: readonly TargetName[] = [target, ...target.failover]
  const speaking = names.filter(({ service }) => {
    const other = otherWay(service, spoken, from.bases)
    if (other !== null) tell(other.code, 'error', `${other.what}; it is left out`)
    return other === null
  })
  const tiers = speaking.map((name) =>
    targetsOf(name, from.bases.get(name.service), from.entries, from.members),
  )
  const active = tiers.findIndex(({ isLive }) => isLive)
  if (active > 0) {
    const what = `${targetText(speaking[0]!)} can serve nothing now; its failover ${targetText(speaking[active]!)} serves`
    tell('FAILOVER_ACTIVE', 'warning', what)
  }
  return withFailover(tiers)
}

/** An upstream is balanced over after Kong has chosen its timeouts. */
function tellOfTimeouts(destination: Destination, settings: Settings, bases: Bases, tell: Tell): void {
  const used = speakerOf(destination, bases)
  for (const { target, share } of destination.legs) {
    if (share === 0) continue
    const own = bases.get(target.service)?.effective.settings.timeouts
    if (own === undefined || timeoutsText(own) === timeoutsText(settings.timeouts)) continue
    const where = `service-splitter ${destination.service}: Kong has one set of timeouts for all of its splits`
    const what = `those of service ${used} (${timeoutsText(settings.timeouts)}) are used for ${targetText(target)} as well`
    tell('ENTRY_UNSUPPORTED', 'warning', `${where}; ${what}, not its own (${timeoutsText(own)})`)
  }
}

const timeoutsText = ({ connectMs, readMs, writeMs }: Settings['timeouts']): string =>
  `connect ${connectMs} ms, read ${readMs} ms, write ${writeMs} ms`

export const isThere = (service: string, bases: Bases): boolean =>
  (bases.get(service)?.plan.entities.length ?? 0) > 0

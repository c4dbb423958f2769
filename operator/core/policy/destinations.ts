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

/**
 * Settings of who answers; of a splitter without instances those of its first leg. Where no leg speaks as the service with
 * the splitter does, they are spoken to as the first one asks.
 */
export function settingsOf(destination: Destination, bases: Bases): Settings | null {
  const answering = servicesOf(destination.legs).flatMap((name) => settingsOfService(name, bases) ?? [])
  const speaker = speakerOf(destination, bases)
  const settings = speaker === null ? null : settingsOfService(speaker, bases)
  if (settings === null || answering.length === 0) return settings
  if (answering.some((each) => difference(each, settings) === null)) return settings
  const { protocol, tls } = answering[0]!
  return { ...settings, protocol, tls }
}

/** The service whose settings are those of the destination; null: nobody is there. */
export const speakerOf = (destination: Destination, bases: Bases): string | null =>
  [ownerOf(destination), ...servicesOf(destination.legs)].find(
    (name) => settingsOfService(name, bases) !== null,
  ) ?? null

/** null: it has no instances. */
function settingsOfService(name: string, bases: Bases): Settings | null {
  const base = bases.get(name)
  return base !== undefined && base.plan.entities.length > 0 ? base.effective.settings : null
}

/** Every service whose instances may answer: no request goes where there is no share. */
export const servicesOf = (legs: readonly Leg[]): readonly string[] =>
  namesOf(legs.filter(({ share }) => share > 0))

/** Every service that has a leg. */
export const namesOf = (legs: readonly Leg[]): readonly string[] => [
  ...new Set(
    legs.flatMap(({ target }) => [target.service, ...target.failover.map(({ service }) => service)]),
  ),
]

export type Spoken = Pick<Settings, 'protocol' | 'tls'>

/** What is otherwise where a service is not spoken to as it asks: Kong speaks one way to all targets of an upstream. */
export interface OtherWay {
  readonly code: 'ENTRY_PROTOCOL' | 'ENTRY_TLS'
  readonly what: string
}

/** null: the service is spoken to as it asks. */
export function otherWay(name: string, spoken: Spoken, bases: Bases): OtherWay | null {
  const own = bases.get(name)?.effective.settings
  const differs = own === undefined ? null : difference(own, spoken)
  if (differs === null) return null
  if (differs === 'protocol') {
    const what = `service ${name} speaks ${own!.protocol} where ${spoken.protocol} is spoken, and Kong has one protocol for all of them`
    return { code: 'ENTRY_PROTOCOL', what }
  }
  const what = `service ${name} has another ${differs} than those that it shares requests with, and Kong has one for all of them`
  return { code: 'ENTRY_TLS', what }
}

/** Where TLS is spoken, a check, a name or a certificate that is not the service's own is as wrong as another protocol. */
function difference(own: Spoken, spoken: Spoken): string | null {
  if (own.protocol !== spoken.protocol) return 'protocol'
  if (own.protocol !== 'https') return null
  const field = TLS_FIELDS.find((each) => String(own.tls[each] ?? '') !== String(spoken.tls[each] ?? ''))
  return field === undefined ? null : `tls.${field}`
}

const TLS_FIELDS = ['verify', 'serverName', 'ca', 'clientCertificate'] as const

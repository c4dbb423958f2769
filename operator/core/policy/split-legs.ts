/** The legs of a service-splitter as people edit them: their weights, and nothing else of the entry. */

import { SPLITTER, type SplitterDocument } from './entry-schema.ts'
import { readEntry } from './read-entry.ts'

export interface Leg {
  readonly service: string
  /** null: the default subset of the service. */
  readonly subset: string | null
  /** Percent. */
  readonly weight: number
}

/** A leg by its name, with the weight it shall have; the service is the splitter's own unless said. */
export interface WantedLeg {
  readonly service?: string | undefined
  readonly subset?: string | null | undefined
  readonly weight: number
}

export type Reweighed =
  | {
      readonly ok: true
      /** To be written: whatever else the entry says is in it as it was. */
      readonly entry: Readonly<Record<string, unknown>>
      readonly splitter: SplitterDocument
    }
  | { readonly ok: false; readonly field: string; readonly message: string }

export const legsOf = ({ Name, Splits }: SplitterDocument): readonly Leg[] =>
  Splits.map(({ Service, ServiceSubset, Weight }) => ({
    service: Service || Name,
    subset: ServiceSubset || null,
    weight: Weight,
  }))

/**
 * The entry with other weights; legs that are not named keep theirs.
 * @param raw the entry as Consul returns it
 */
export function reweighed(raw: Readonly<Record<string, unknown>>, wanted: readonly WantedLeg[]): Reweighed {
  const read = readEntry(SPLITTER, raw)
  if (!read.ok) return refused('service', `its service-splitter does not validate: ${read.errors.join('; ')}`)
  const before = legsOf(read.value)
  const weights = before.map(({ weight }) => weight)
  const named = new Set<number>()
  for (const [index, { service = read.value.Name, subset = null, weight }] of wanted.entries()) {
    const at = before.findIndex((leg) => leg.service === service && leg.subset === (subset || null))
    if (at < 0)
      return refused(`legs.${index}`, `is no leg of the splitter; it has ${before.map(legName).join(', ')}`)
    if (named.has(at)) return refused(`legs.${index}`, 'is given twice')
    named.add(at)
    weights[at] = weight
  }
  const hundredths = weights.reduce((sum, weight) => sum + Math.round(weight * 100), 0)
  if (hundredths !== 10_000) return refused('legs', `weights add up to ${hundredths / 100}, not to 100`)
  const { CreateIndex: _created, ModifyIndex: _modified, Hash: _hash, Status: _status, ...said } = raw
  const splits = (raw['Splits'] as readonly object[]).map((split, at) => ({ ...split, Weight: weights[at] }))
  const Splits = read.value.Splits.map((split, at) => ({ ...split, Weight: weights[at]! }))
  return { ok: true, entry: { ...said, Splits: splits }, splitter: { ...read.value, Splits } }
}

/** As people say it: the service, and its subset where there is one. */
export const legName = ({ service, subset }: Pick<Leg, 'service' | 'subset'>): string =>
  subset === null ? service : `${service}/${subset}`

const refused = (field: string, message: string) => ({ ok: false, field, message }) as const

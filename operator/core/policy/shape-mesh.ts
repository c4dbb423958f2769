/**
 * What was planned service by service, with Consul's configuration entries applied. Services that no entry names are
 * handed through as they are, and what was shaped before is not shaped again while nothing it was made of changed.
 */

import { isSameJson } from '../canonical-json.ts'
import type { Planned } from '../decided.ts'
import type { Json } from '../entity.ts'
import type { PlanOptions } from '../service-plan.ts'
import type { AcceptedSettings } from '../settings.ts'
import { type Chain, compileChain, type Destination } from './compile-chain.ts'
import { type ConfigEntries, hasPolicies } from './config-entries.ts'
import { type Bases, isSplit, namesOf, upstreamOf } from './destinations.ts'
import type { Policies } from './policy-input.ts'
import { shapeService } from './shape-service.ts'
import { isThere } from './upstream-weights.ts'
import { virtualService } from './virtual-service.ts'

export interface ShapedMesh {
  /** Sorted; the same list while no service comes or goes. */
  readonly names: readonly string[]
  readonly planned: readonly Planned[]
  /** What the next call may use again. */
  readonly memory: ShapeMemory
}

export interface ShapeMemory {
  readonly compiled: Compiled | null
  readonly names: readonly string[]
  readonly shaped: ReadonlyMap<string, Shaped>
}

export const NOTHING_SHAPED: ShapeMemory = { compiled: null, names: [], shaped: new Map() }

interface Compiled {
  readonly entries: ConfigEntries
  /** Which of the services that entries name are there. */
  readonly present: string
  readonly chains: ReadonlyMap<string, Chain>
  /** What leads to subsets of a service alone, by that service. */
  readonly subsets: ReadonlyMap<string, readonly Destination[]>
}

interface Shaped {
  readonly madeOf: readonly unknown[]
  readonly result: Planned
}

/**
 * @param names services with instances, sorted
 * @param bases what was planned for them, in the same order
 */
export function shapeMesh(
  names: readonly string[],
  bases: readonly Planned[],
  policies: Policies,
  settings: AcceptedSettings,
  options: PlanOptions,
  before: ShapeMemory,
): ShapedMesh {
  const { entries, members } = policies
  if (!hasPolicies(entries)) return { names, planned: bases, memory: NOTHING_SHAPED }
  const byName = new Map(names.map((name, index) => [name, bases[index]!]))
  const compiled = compile(entries, byName, before.compiled)
  for (const [name, chain] of compiled.chains) {
    if (byName.has(name)) continue
    const known = before.shaped.get(`virtual ${name}`)
    const made = virtualService(name, chain, byName, settings, options)
    const isSame = known !== undefined && isSameJson(known.result as unknown as Json, made as unknown as Json)
    byName.set(name, isSame ? known.result : made)
  }
  const virtual = [...byName.keys()].filter((name) => byName.get(name)!.instances.length === 0)
  const shaped = new Map<string, Shaped>(
    virtual.map((name) => [`virtual ${name}`, { madeOf: [], result: byName.get(name)! }]),
  )
  const all = [...byName.keys()].sort()
  const isSameNames = all.length === before.names.length && all.every((name, at) => name === before.names[at])
  const planned = all.map((name) => {
    const base = byName.get(name)!
    const chain = compiled.chains.get(name) ?? null
    const subsets = compiled.subsets.get(name) ?? []
    if (chain === null && subsets.length === 0) return base
    const madeOf = [base, chain, subsets, entries, members, options.mesh, ...involved(chain, subsets, byName)]
    const known = before.shaped.get(name)
    const isSame =
      known !== undefined &&
      known.madeOf.length === madeOf.length &&
      madeOf.every((each, index) => each === known.madeOf[index])
    const result = isSame
      ? known.result
      : sameWishes(
          shapeService({ base, chain, subsets, bases: byName, entries, members, options }),
          known?.result,
        )
    shaped.set(name, { madeOf, result })
    return result
  })
  const memory = { compiled, names: isSameNames ? before.names : all, shaped }
  return { names: memory.names, planned, memory }
}

/** Chains of all services that an entry is about, and who needs an upstream for which subset. */
function compile(entries: ConfigEntries, bases: Bases, before: Compiled | null): Compiled {
  const named = [
    ...new Set([...entries.routers.keys(), ...entries.splitters.keys(), ...entries.resolvers.keys()]),
  ]
  const mentioned = namedBy(entries)
  const present = [...mentioned].filter((name) => isThere(name, bases)).join('\n')
  if (before?.entries === entries && before.present === present) return before
  const known = { has: (name: string) => isThere(name, bases) }
  const chains = new Map<string, Chain>()
  for (const name of named.sort()) {
    const chain = compileChain(name, entries, known)
    if (chain !== null) chains.set(name, chain)
  }
  return { entries, present, chains, subsets: neededSubsets(chains) }
}

function neededSubsets(chains: ReadonlyMap<string, Chain>): ReadonlyMap<string, readonly Destination[]> {
  const needed = new Map<string, Map<string, Destination>>()
  for (const { routes } of chains.values()) {
    for (const { destination } of routes) {
      if (isSplit(destination)) continue
      const { service, subset } = destination.legs[0]!.target
      if (subset === '') continue
      const own = needed.get(service) ?? new Map<string, Destination>()
      needed.set(service, own.set(upstreamOf(destination), destination))
    }
  }
  return new Map([...needed].map(([service, own]) => [service, [...own.values()]]))
}

/** Every service that an entry could lead to. */
function namedBy({ routers, splitters, resolvers }: ConfigEntries): ReadonlySet<string> {
  const names = new Set<string>([...routers.keys(), ...splitters.keys(), ...resolvers.keys()])
  const add = (name: string | undefined): void => void (name && names.add(name))
  for (const { Routes } of routers.values()) for (const each of Routes ?? []) add(each.Destination?.Service)
  for (const { Splits } of splitters.values()) for (const each of Splits) add(each.Service)
  for (const { Redirect, Failover } of resolvers.values()) {
    add(Redirect?.Service)
    for (const each of Object.values(Failover ?? {})) {
      add(each.Service)
      for (const target of each.Targets ?? []) add(target.Service)
    }
  }
  return names
}

/** The plans that the shape of a service is made of. */
function involved(chain: Chain | null, subsets: readonly Destination[], bases: Bases): readonly unknown[] {
  const destinations = [...(chain?.routes ?? []).map(({ destination }) => destination), ...subsets]
  const names = destinations.flatMap(({ service, legs }) => [service, ...namesOf(legs)])
  return [...new Set(names)].map((name) => bases.get(name))
}

/** Routes are settled between services: the same wishes are the same list. */
function sameWishes(next: Planned, before: Planned | undefined): Planned {
  const wishes = before?.plan.wishes
  if (wishes === undefined || !isSameJson(wishes as unknown as Json, next.plan.wishes as unknown as Json)) {
    return next
  }
  return { ...next, plan: { ...next.plan, wishes } }
}

import type { Instance } from '../../../operator/core/catalog.ts'
import { type Desired, desired } from '../../../operator/core/desired.ts'
import { acceptEntries, type EntryKind } from '../../../operator/core/policy/config-entries.ts'
import type { Policies } from '../../../operator/core/policy/policy-input.ts'
import { memberKey } from '../../../operator/core/policy/subset-members.ts'
import { catalog, instance, OPTIONS, settingsOf } from '../core/build-mesh.ts'

export type RawLists = Partial<Record<EntryKind, readonly unknown[]>>

/** An instance of a version, so that `Service.Meta.version == <v>` finds it. */
export const versioned = (number: number, version: string, rest: Partial<Instance> = {}): Instance =>
  instance(number, { meta: { version }, ...rest })

/** Filters as Consul evaluates them, as far as these tests write them. */
export const membersOf = (services: Record<string, readonly Instance[]>): Policies['members'] => ({
  of: (service, filter) => {
    const version = /Service\.Meta\.version == "?(\w+)"?/.exec(filter)?.[1]
    return new Set((services[service] ?? []).filter(({ meta }) => meta.version === version).map(memberKey))
  },
})

export function policiesOf(lists: RawLists, services: Record<string, readonly Instance[]>): Policies {
  const { entries, problems } = acceptEntries(
    null,
    new Map(Object.entries(lists) as [EntryKind, unknown[]][]),
  )
  return { entries, members: membersOf(services), problems }
}

export function desireWith(
  lists: RawLists,
  services: Record<string, readonly Instance[]>,
  documents: Record<string, unknown> = {},
): Desired {
  return desired({
    snapshot: { ...catalog(services), policies: policiesOf(lists, services) },
    settings: settingsOf(documents),
    options: OPTIONS,
    actual: new Map(),
  })
}

export const router = (Name: string, ...Routes: readonly unknown[]) => ({
  Kind: 'service-router',
  Name,
  Routes,
})
export const splitter = (Name: string, ...Splits: readonly unknown[]) => ({
  Kind: 'service-splitter',
  Name,
  Splits,
})
export const resolver = (Name: string, rest: object) => ({ Kind: 'service-resolver', Name, ...rest })

/** Subsets v1 and v2 by meta `version`. */
export const VERSIONS = {
  Subsets: {
    v1: { Filter: 'Service.Meta.version == v1' },
    v2: { Filter: 'Service.Meta.version == v2' },
  },
}

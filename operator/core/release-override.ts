/** Tags of an entity after a person gave a field back, or pinned one. Nothing else of the entity changes. */

import { compareEntity } from './compare-entity.ts'
import type { Entity } from './entity.ts'
import { normalValue } from './field-value.ts'
import {
  appliedOf,
  appliedTag,
  foreignTags,
  HEALTH_OVERRIDE,
  hashOf,
  overriddenOf,
  overrideTag,
  ownerTags,
  sinceOf,
  sinceTags,
} from './tags.ts'

export interface Released {
  readonly tags: readonly string[]
  /** Fields that were overrides and are given back, sorted. */
  readonly fields: readonly string[]
}

/**
 * Gives fields back: the value a person set counts as what was last applied from then on, so that the next diff
 * writes what Consul says.
 * @param field null for all that are overrides, tagged already or not
 */
export function releaseOverrides(
  actual: Entity,
  wanted: Entity,
  mesh: string,
  field: string | null,
): Released {
  const tagged = overriddenOf(actual.tags)
  const { held } = compareEntity(actual, wanted, mesh, 'keep')
  const all = new Set([...tagged, ...held.map((each) => each.field)])
  const fields = [...all].filter((each) => field === null || each === field).sort()
  const applied = new Map(appliedOf(actual.tags))
  for (const each of fields) {
    if (each !== HEALTH_OVERRIDE) applied.set(each, hashOf(normalValue(each, fieldOf(actual, each))))
  }
  const left = [...tagged].filter((each) => !fields.includes(each))
  return { tags: tagsWith(actual, wanted, mesh, applied, left), fields }
}

/** Makes a field the person's before they edit it. */
export function pinField(
  actual: Entity,
  wanted: Entity,
  mesh: string,
  field: string,
  nowMs: number,
): readonly string[] {
  const applied = new Map(appliedOf(actual.tags))
  const tagged = [...new Set([...overriddenOf(actual.tags), field])].sort()
  const since = field === HEALTH_OVERRIDE ? [] : [[field, nowMs] as const]
  return tagsWith(actual, wanted, mesh, applied, tagged, new Map(since))
}

/** Fields that can be pinned, sorted: those that are managed, and of a target whether it is kept out. */
export function pinnableFields(wanted: Entity): readonly string[] {
  const own = wanted.kind === 'plugin' ? [] : ['name']
  const health = wanted.kind === 'target' ? [HEALTH_OVERRIDE] : []
  return [...Object.keys(wanted.fields), ...own, ...health].sort()
}

function tagsWith(
  actual: Entity,
  wanted: Entity,
  mesh: string,
  applied: ReadonlyMap<string, string>,
  overridden: readonly string[],
  added: ReadonlyMap<string, number> = new Map(),
): string[] {
  const since = new Map([...added, ...sinceOf(actual.tags)].filter(([field]) => overridden.includes(field)))
  return [
    ...ownerTags(mesh, wanted.owner),
    appliedTag(applied),
    ...overridden.map(overrideTag),
    ...sinceTags(since),
    ...foreignTags(actual.tags),
  ]
}

const fieldOf = (entity: Entity, field: string) => (field === 'name' ? entity.name : entity.fields[field])

/**
 * One entity as it is beside the same as it should be: which fields to write, which a person has taken over.
 *
 * A field was edited by somebody when its value has another hash than the tag `kongsul.applied:` says was last written.
 * It is then tagged `kongsul.override:<field>` and left alone; the hash of the person's value is what was "last
 * applied" from then on, so that taking the tag away gives the field back instead of making a new override.
 */

import type { Entity, Json } from './entity.ts'
import { isSameFieldValue, normalValue } from './field-value.ts'
import { isKongDefault } from './kong-defaults.ts'
import {
  appliedOf,
  appliedTag,
  foreignTags,
  HEALTH_OVERRIDE,
  hashOf,
  overriddenOf,
  overrideTag,
  ownerTags,
} from './tags.ts'
import { BALANCING_FIELDS } from './upstream-fields.ts'

export interface Comparison {
  /** The entity as it shall be, all its fields named; the actual one itself when there is nothing to write. */
  readonly result: Entity
  /** What changes, sorted: dotted paths, `name`, `tags`. Empty when there is nothing to write. */
  readonly fields: readonly string[]
  /** Fields a person has, with the value kongsul wanted. */
  readonly held: readonly { readonly field: string; readonly wanted: Json; readonly actual: Json }[]
}

/** @param actual an entity that is ours, its tags dropped or not */
export function compareEntity(
  actual: Entity,
  wanted: Entity,
  mesh: string,
  policy: 'keep' | 'revert',
): Comparison {
  if (isInSync(actual, wanted)) return { result: actual, fields: [], held: [] }
  const applied = appliedOf(actual.tags)
  const tagged = overriddenOf(actual.tags)
  const last = new Map<string, string>()
  const changed: string[] = []
  const held: { field: string; wanted: Json; actual: Json }[] = []
  for (const [field, want] of managedValues(wanted)) {
    const have = normalValue(field, fieldValue(actual, field))
    const isSame = isSameFieldValue(field, want, have)
    const isTheirs =
      policy === 'keep' && (tagged.has(field) || (!isSame && wasEdited(actual, field, have, applied)))
    if (isTheirs) held.push({ field, wanted: want, actual: have })
    else if (!isSame) changed.push(field)
    last.set(field, hashOf(isTheirs ? have : normalValue(field, want)))
  }
  const fields = withoutBalancingOfOthers(changed, held, actual, last)
  const tags = tagsOf(actual, wanted, mesh, last, overrides(policy, tagged, held))
  const all = isSameSet(tags, actual.tags) ? fields : [...fields, 'tags'].sort()
  return { result: all.length === 0 ? actual : written(actual, wanted, fields, tags), fields: all, held }
}

/** The common case, told without parsing a tag: just our tags, as they should be, and all values equal. */
function isInSync(actual: Entity, wanted: Entity): boolean {
  if (actual.tags.length !== wanted.tags.length || actual.name !== wanted.name) return false
  if (!wanted.tags.every((tag) => actual.tags.includes(tag))) return false
  for (const field in wanted.fields) {
    if (!isSameFieldValue(field, wanted.fields[field], actual.fields[field])) return false
  }
  return true
}

/** Without its tags nothing tells edits from what we wrote, so every difference is taken for an edit. */
function wasEdited(
  entity: Entity,
  field: string,
  have: Json,
  applied: ReadonlyMap<string, string> | null,
): boolean {
  if (applied === null) return true
  const hash = applied.get(field)
  // Not managed before: a value that Kong gave it is nobody's.
  return hash === undefined ? !isKongDefault(entity.kind, field, have) : hash !== hashOf(have)
}

/** `name` is managed as well where Kong lets it be edited; a plugin's name is its type. */
function managedValues(wanted: Entity): [string, Json][] {
  const fields = Object.entries(wanted.fields)
  return wanted.kind === 'plugin' ? fields : [...fields, ['name', wanted.name]]
}

const fieldValue = (entity: Entity, field: string): Json | undefined =>
  field === 'name' ? entity.name : entity.fields[field]

/** Kong changes the balancing fields together, so writing the rest of them would undo the person's. */
function withoutBalancingOfOthers(
  changed: readonly string[],
  held: Comparison['held'],
  actual: Entity,
  last: Map<string, string>,
): string[] {
  const isHeld = held.some(
    ({ field, wanted, actual: have }) =>
      BALANCING_FIELDS.has(field) && !isSameFieldValue(field, wanted, have),
  )
  if (!isHeld || actual.kind !== 'upstream') return [...changed].sort()
  for (const field of changed) {
    if (BALANCING_FIELDS.has(field)) last.set(field, hashOf(normalValue(field, actual.fields[field])))
  }
  return changed.filter((field) => !BALANCING_FIELDS.has(field)).sort()
}

/** Reverting undoes edits of fields; a target kept out by hand stays out. */
function overrides(
  policy: 'keep' | 'revert',
  tagged: ReadonlySet<string>,
  held: Comparison['held'],
): string[] {
  const kept = policy === 'keep' ? [...tagged, ...held.map(({ field }) => field)] : []
  const health = tagged.has(HEALTH_OVERRIDE) ? [HEALTH_OVERRIDE] : []
  return [...new Set([...kept, ...health])].sort()
}

const tagsOf = (
  actual: Entity,
  wanted: Entity,
  mesh: string,
  last: ReadonlyMap<string, string>,
  overridden: readonly string[],
): string[] => [
  ...ownerTags(mesh, wanted.owner),
  appliedTag(last),
  ...overridden.map(overrideTag),
  ...foreignTags(actual.tags),
]

function written(actual: Entity, wanted: Entity, fields: readonly string[], tags: readonly string[]): Entity {
  const values: Record<string, Json> = { ...actual.fields }
  for (const field of fields) if (field !== 'name') values[field] = wanted.fields[field]!
  return {
    ...actual,
    name: fields.includes('name') ? wanted.name : actual.name,
    owner: wanted.owner,
    parent: fields.includes('service') ? wanted.parent : actual.parent,
    fields: values,
    tags,
  }
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const members = new Set(right)
  return new Set(left).size === members.size && left.every((each) => members.has(each))
}

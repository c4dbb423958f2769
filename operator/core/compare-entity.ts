/**
 * One entity as it is beside the same as it should be: which fields to write, which a person has taken over.
 *
 * A field was edited by somebody when its value has another hash than the tag `kongsul.applied:` says was last written.
 * It is then tagged `kongsul.override:<field>` and left alone; the hash of the person's value is what was "last
 * applied" from then on, so that taking the tag away gives the field back instead of making a new override.
 */

import { withFormerFields } from './certificates/former-fields.ts'
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
  sinceOf,
  sinceTags,
} from './tags.ts'
import { BALANCING_FIELDS } from './upstream-fields.ts'

export interface Comparison {
  /** The entity as it shall be, all its fields named; the actual one itself when there is nothing to write. */
  readonly result: Entity
  /** What changes, sorted: dotted paths, `name`, `tags`. Empty when there is nothing to write. */
  readonly fields: readonly string[]
  /** Fields a person has, with the value kongsul wanted. */
  readonly held: readonly Held[]
  /** When the first of them expires; null when none does. */
  readonly expiresAtMs: number | null
}

export interface Held {
  readonly field: string
  readonly wanted: Json
  readonly actual: Json
  /** When it was noticed, where that is known. */
  readonly sinceMs?: number
}

/** What the age of an override is measured with. */
export interface OverrideAge {
  readonly nowMs: number
  /** How long an override lasts; 0: until it is released. */
  readonly ttlMs: number
}

/** @param actual an entity that is ours, its tags dropped or not */
export function compareEntity(
  actual: Entity,
  desired: Entity,
  mesh: string,
  policy: 'keep' | 'revert',
  age: OverrideAge | null = null,
): Comparison {
  if (isInSync(actual, desired)) return { result: actual, fields: NONE, held: NONE, expiresAtMs: null }
  const applied = appliedOf(actual.tags)
  const wanted = withFormerFields(desired, applied)
  const before = sinceOf(actual.tags)
  const tagged = withoutExpired(overriddenOf(actual.tags), before, age)
  const since = new Map<string, number>()
  const last = new Map<string, string>()
  const changed: string[] = []
  const held: Held[] = []
  for (const [field, want] of managedValues(wanted)) {
    const have = normalValue(field, fieldValue(actual, field))
    const isSame = isSameFieldValue(field, want, have)
    const isTheirs =
      policy === 'keep' && (tagged.has(field) || (!isSame && wasEdited(actual, field, have, applied)))
    if (isTheirs) {
      const sinceMs = (tagged.has(field) ? before.get(field) : undefined) ?? age?.nowMs
      if (sinceMs !== undefined) since.set(field, sinceMs)
      held.push({ field, wanted: want, actual: have, ...(sinceMs === undefined ? {} : { sinceMs }) })
    } else if (!isSame) changed.push(field)
    last.set(field, hashOf(isTheirs ? have : normalValue(field, want)))
  }
  const fields = withoutBalancingOfOthers(changed, held, actual, last)
  const tags = tagsOf(actual, wanted, mesh, last, overrides(policy, tagged, held), since)
  const all = isSameSet(tags, actual.tags) ? fields : [...fields, 'tags'].sort()
  const result = all.length === 0 ? actual : written(actual, wanted, fields, tags)
  return { result, fields: all, held: [...held, ...healthHeld(actual)], expiresAtMs: firstEnd(since, age) }
}

/** Of thousands of entities. */
const NONE: readonly never[] = []

/** Also for a target that is kept out by hand: it holds no field, and is an override to whoever looks for one. */
function healthHeld({ kind, tags }: Entity): readonly Held[] {
  if (kind !== 'target' || !overriddenOf(tags).has(HEALTH_OVERRIDE)) return []
  return [{ field: HEALTH_OVERRIDE, wanted: null, actual: null }]
}

/** One whose time is not known yet begins now; a target kept out by hand stays out. */
function withoutExpired(
  tagged: ReadonlySet<string>,
  since: ReadonlyMap<string, number>,
  age: OverrideAge | null,
): ReadonlySet<string> {
  if (age === null || age.ttlMs === 0) return tagged
  const lasts = (field: string) =>
    field === HEALTH_OVERRIDE || (since.get(field) ?? age.nowMs) + age.ttlMs > age.nowMs
  return new Set([...tagged].filter(lasts))
}

function firstEnd(since: ReadonlyMap<string, number>, age: OverrideAge | null): number | null {
  if (age === null || age.ttlMs === 0 || since.size === 0) return null
  return Math.min(...since.values()) + age.ttlMs
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

/** `name` is managed as well where Kong lets it be edited; a plugin's name is its type, and some have none. */
function managedValues(wanted: Entity): [string, Json][] {
  const fields = Object.entries(wanted.fields)
  return wanted.kind === 'plugin' || wanted.name === '' ? fields : [...fields, ['name', wanted.name]]
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
  since: ReadonlyMap<string, number>,
): string[] => [
  ...ownerTags(mesh, wanted.owner),
  appliedTag(last),
  ...overridden.map(overrideTag),
  ...sinceTags(since),
  ...foreignTags(actual.tags),
]

function written(actual: Entity, wanted: Entity, fields: readonly string[], tags: readonly string[]): Entity {
  const values: Record<string, Json> = { ...actual.fields }
  for (const field of fields) if (field !== 'name') values[field] = wanted.fields[field]!
  return {
    ...actual,
    name: fields.includes('name') ? wanted.name : actual.name,
    owner: wanted.owner,
    parent: fields.includes('service') || fields.includes('certificate') ? wanted.parent : actual.parent,
    fields: values,
    tags,
  }
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  const members = new Set(right)
  return new Set(left).size === members.size && left.every((each) => members.has(each))
}

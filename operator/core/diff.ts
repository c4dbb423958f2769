/** From what Kong holds to what it should hold: the fewest changes, never against a person. */

import { type Comparison, compareEntity } from './compare-entity.ts'
import { compareText } from './compare-text.ts'
import { type Entity, type Json, type Kind, type KongState, keyOf } from './entity.ts'
import { FORMAT, formatOf, isNewerFormat } from './format.ts'
import { withoutOpenedGates } from './intentions/gate-order.ts'
import type { Problem } from './problem.ts'
import { planRemovals } from './removals.ts'
import { isManaged, isOwnedBy, meshTag } from './tags.ts'

export interface Change {
  readonly action: 'create' | 'update' | 'delete'
  /** As it will be in Kong (create, update; of an update all its fields), or as it is (delete). */
  readonly entity: Entity
  readonly before: Entity | null
  /** Dotted paths that change, sorted; `tags` and `name` where these do. All fields for a create, none for a delete. */
  readonly fields: readonly string[]
  readonly service: string
}

/** A field that a person set (or pinned) through the Admin API and that is therefore left alone. */
export interface Override {
  readonly service: string
  readonly kind: Kind
  readonly id: string
  readonly name: string
  readonly field: string
  readonly wanted: Json
  readonly actual: Json
  /** When it was noticed, where that is known. */
  readonly sinceMs?: number
}

export interface Diff {
  /** Sorted by service, then kind and name. */
  readonly changes: readonly Change[]
  readonly overrides: readonly Override[]
  readonly conflicts: readonly Problem[]
}

export type OverridePolicy = 'keep' | 'revert'

export interface DiffOptions {
  readonly mesh: string
  /** One for all, or by service. */
  readonly policy: OverridePolicy | ((service: string) => OverridePolicy)
  /** With it, overrides are dated, and expire where their service says so. */
  readonly age?: { readonly nowMs: number; readonly ttlMs: (service: string) => number }
  /** Keys of entities that are not to be created: somebody removes them again and again. */
  readonly refused?: ReadonlySet<string>
}

/**
 * The two states may be parts of the whole, of one service for example, as long as they are the same part. Entities
 * without this mesh's tags are never in a change, unless their id says that they are ours and lost their tags.
 */
export function diff(actual: KongState, desired: KongState, options: DiffOptions): Diff {
  const changes: Change[] = []
  const overrides: Override[] = []
  const conflicts: Problem[] = []
  /** Ids that are not ours to write: what belongs to them is left out as well. */
  const untouchable = new Set<string>()
  const missing: Entity[] = []
  for (const [key, wanted] of desired) {
    const found = actual.get(key)
    if (found === undefined) {
      missing.push(wanted)
      if (options.refused?.has(key)) {
        untouchable.add(wanted.id)
        conflicts.push(removedAgain(wanted))
      }
    } else if (isNewerFormat(found.tags)) {
      untouchable.add(wanted.id)
      conflicts.push(newerFormat(found, wanted.owner))
    } else if (isOurs(found, wanted, options.mesh)) {
      const compared = compare(found, wanted, options)
      if (compared.fields.length > 0) changes.push(update(found, wanted, compared))
      for (const each of compared.held) overrides.push({ ...about(wanted), ...each })
    } else {
      untouchable.add(wanted.id)
      conflicts.push(idConflict(wanted, found))
    }
  }
  const namesakes = namesakesOf(missing, actual, untouchable, conflicts)
  for (const wanted of missing) {
    if (!untouchable.has(wanted.id) && !untouchable.has(wanted.parent)) changes.push(create(wanted))
  }
  const unwanted = unwantedOf(actual, desired, namesakes, options.mesh)
  const removals = planRemovals(unwanted, actual, options.mesh)
  for (const entity of removals.entities) changes.push(removal(entity))
  const placeOf = ({ kind, id }: Override) => actual.get(keyOf({ kind, id }))?.parent ?? ''
  return {
    changes: withoutOpenedGates(changes.sort(byService), overrides, placeOf),
    overrides,
    conflicts: [...conflicts, ...removals.conflicts],
  }
}

/** What Kong holds after a change: the model for tests and the operator's mirror. */
export function applyChange(state: KongState, change: Change): KongState {
  const next = new Map(state)
  if (change.action === 'delete') next.delete(keyOf(change.entity))
  else next.set(keyOf(change.entity), change.entity)
  return next
}

/** By its tags, or by id and name when a PUT dropped them. */
function isOurs(found: Entity, wanted: Entity, mesh: string): boolean {
  if (isOwnedBy(mesh, found.tags)) return true
  const isOfOtherMesh = found.tags.some((tag) => tag.startsWith('kongsul.mesh:') && tag !== meshTag(mesh))
  return !isOfOtherMesh && (found.name === wanted.name || isManaged(found))
}

function compare(found: Entity, wanted: Entity, options: DiffOptions): Comparison {
  const policy = typeof options.policy === 'string' ? options.policy : options.policy(wanted.owner)
  const known = compared.get(found)
  const { age } = options
  const ttlMs = age === undefined ? null : age.ttlMs(wanted.owner)
  if (
    known?.wanted === wanted &&
    known.mesh === options.mesh &&
    known.policy === policy &&
    known.ttlMs === ttlMs &&
    (age === undefined || age.nowMs < (known.comparison.expiresAtMs ?? Number.POSITIVE_INFINITY))
  ) {
    return known.comparison
  }
  const measured = age === undefined ? null : { nowMs: age.nowMs, ttlMs: ttlMs! }
  const comparison = compareEntity(found, wanted, options.mesh, policy, measured)
  compared.set(found, { wanted, mesh: options.mesh, policy, ttlMs, comparison })
  return comparison
}

/** Entities never change once made: what was compared once need not be again. */
const compared = new WeakMap<
  Entity,
  {
    readonly wanted: Entity
    readonly mesh: string
    readonly policy: OverridePolicy
    readonly ttlMs: number | null
    readonly comparison: Comparison
  }
>()

/**
 * Entities that have the name of one we miss under another id: Kong would refuse ours. Returns their keys; adds what
 * cannot be written to `untouchable`.
 */
function namesakesOf(
  missing: readonly Entity[],
  actual: KongState,
  untouchable: Set<string>,
  conflicts: Problem[],
): ReadonlySet<string> {
  const namesakes = new Set<string>()
  if (missing.length === 0) return namesakes
  const byName = new Map(Array.from(actual.values(), (entity) => [uniqueName(entity), entity]))
  for (const wanted of missing) {
    const found = byName.get(uniqueName(wanted))
    if (found === undefined) continue
    namesakes.add(keyOf(found))
    untouchable.add(wanted.id)
    conflicts.push(nameConflict(wanted, found))
  }
  return namesakes
}

/** What Kong keeps unique: names of upstreams, services, routes; a target in its upstream, a group on its consumer; a plugin on its place. */
function uniqueName(entity: Entity): string {
  const { kind, name, parent, fields } = entity
  if (kind === 'target' || kind === 'acl') return `${kind} ${parent} ${name}`
  if (kind === 'plugin') {
    const place = [parent, fields.route, fields.consumer]
      .map((each) => JSON.stringify(each ?? null))
      .join(' ')
    return `${kind} ${place} ${name}`
  }
  return name === '' ? `${kind} ${entity.id}` : `${kind} ${name}`
}

function unwantedOf(
  actual: KongState,
  desired: KongState,
  namesakes: ReadonlySet<string>,
  mesh: string,
): Entity[] {
  const unwanted: Entity[] = []
  for (const [key, entity] of actual) {
    const isLeft = namesakes.has(key) || isNewerFormat(entity.tags)
    if (!desired.has(key) && isOwnedBy(mesh, entity.tags) && !isLeft) unwanted.push(entity)
  }
  return unwanted
}

const about = ({ owner, kind, id, name }: Entity) => ({ service: owner, kind, id, name })

const create = (wanted: Entity): Change => ({
  action: 'create',
  entity: wanted,
  before: null,
  fields: Object.keys(wanted.fields).sort(),
  service: wanted.owner,
})

const update = (found: Entity, wanted: Entity, { result, fields }: Comparison): Change => ({
  action: 'update',
  entity: result,
  before: found,
  fields,
  service: wanted.owner,
})

const removal = (entity: Entity): Change => ({
  action: 'delete',
  entity,
  before: entity,
  fields: [],
  service: entity.owner,
})

function byService(left: Change, right: Change): number {
  return (
    compareText(left.service, right.service) ||
    compareText(left.entity.kind, right.entity.kind) ||
    compareText(left.entity.name, right.entity.name) ||
    compareText(left.entity.id, right.entity.id)
  )
}

const nameConflict = (wanted: Entity, found: Entity): Problem => ({
  code: 'NAME_CONFLICT',
  severity: 'error',
  service: wanted.owner,
  message: `${wanted.kind} ${wanted.name} exists in Kong with id ${found.id}, which is not kongsul's; it is not touched: rename or remove it, or hand it over with "kongsul adopt"`,
})

const removedAgain = (wanted: Entity): Problem => ({
  code: 'REMOVED_REPEATEDLY',
  severity: 'error',
  service: wanted.owner,
  message: `${wanted.kind} ${wanted.name} was removed from Kong three times in ten minutes and is left alone for an hour; "kongsul apply ${wanted.owner}" creates it, "kongsul pause ${wanted.owner}" leaves Kong to you`,
})

const newerFormat = ({ kind, name, id, tags }: Entity, service: string): Problem => ({
  code: 'FORMAT_NEWER',
  severity: 'error',
  service,
  message: `${kind} ${name || id} was written by a newer kongsul (format ${formatOf(tags)} of its tags, this one reads ${FORMAT}); it is not touched: run that version, or remove the entity`,
})

const idConflict = (wanted: Entity, found: Entity): Problem => ({
  code: 'ID_CONFLICT',
  severity: 'error',
  service: wanted.owner,
  message: `${wanted.kind} ${found.name} has the id ${found.id} of ${wanted.name} but is not kongsul's in this mesh; it is not touched: rename or remove it`,
})

/** From what Kong holds to what it should hold: the fewest changes, never against a person. */

import type { Entity, Json, Kind, KongState } from './entity.ts'
import { keyOf } from './entity.ts'
import type { Problem } from './problem.ts'

export interface Change {
  readonly action: 'create' | 'update' | 'delete'
  /** As it will be in Kong (create, update), or as it is (delete). */
  readonly entity: Entity
  readonly before: Entity | null
  /** Dotted paths that change, sorted; `tags` and `name` where these do. All fields for a create, none for a delete. */
  readonly fields: readonly string[]
  readonly service: string
}

/** A field that a person set through the Admin API and that is therefore left alone. */
export interface Override {
  readonly service: string
  readonly kind: Kind
  readonly id: string
  readonly name: string
  readonly field: string
  readonly wanted: Json
  readonly actual: Json
}

export interface Diff {
  readonly changes: readonly Change[]
  readonly overrides: readonly Override[]
  readonly conflicts: readonly Problem[]
}

export interface DiffOptions {
  readonly mesh: string
  readonly policy: 'keep' | 'revert'
}

export function diff(actual: KongState, desired: KongState, options: DiffOptions): Diff {
  void actual
  void desired
  void options
  return { changes: [], overrides: [], conflicts: [] }
}

/** What Kong holds after a change: the model for tests and the operator's mirror. */
export function applyChange(state: KongState, change: Change): KongState {
  const next = new Map(state)
  if (change.action === 'delete') next.delete(keyOf(change.entity))
  else next.set(keyOf(change.entity), change.entity)
  return next
}

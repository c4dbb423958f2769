import type { Change, DiffOptions } from '../core/diff.ts'
import type { Entity, KongState } from '../core/entity.ts'
import { orderChanges } from '../core/plan-order.ts'
import { type Executed, executeChange } from './execute.ts'
import type { KongAdmin } from './kong-admin.ts'
import { readState } from './read-state.ts'

/** How what Kong holds is read and written: entity by entity, or (config-writer.ts) as one configuration. */
export interface KongWriter {
  /**
   * Everything Kong holds of the kinds kongsul writes.
   * @throws KongError
   */
  read(): Promise<KongState>
  /** The changes of one service in steps, each of which leaves Kong serving; those of one step are safe in any order. */
  steps(changes: readonly Change[]): readonly (readonly Change[])[]
  /** Writes one change; see execute.ts. */
  execute(change: Change, wanted: Entity | null, options: DiffOptions): Promise<Executed>
}

/** Of a Kong with a database. */
export const entityWriter = (admin: KongAdmin, mesh: string): KongWriter => ({
  read: () => readState(admin, { mesh }),
  steps: orderChanges,
  execute: (change, wanted, options) => executeChange(admin, change, wanted, options),
})

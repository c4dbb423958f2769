import type { Collection } from '../../store.ts'
import { WORKSPACE_ID } from '../instance-configuration.ts'
import type { PdkWorld } from './method.ts'

/** A row as plugins see it: without what is not set, and with its workspace. Undefined when it is gone. */
export function entityRow(world: PdkWorld, collection: Collection, id: string): object | undefined {
  const row = world.store.get(collection, id)
  if (!row) return undefined
  const set = Object.entries(row).filter(([, value]) => value !== null && value !== undefined)
  return { ...Object.fromEntries(set), ws_id: WORKSPACE_ID }
}

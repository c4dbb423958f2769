import type { KongTarget } from '../kong/kong-target.ts'
import { isEmpty, type KongSnapshot, readSnapshot } from '../kong/snapshot.ts'
import { snapshotPath, writeSnapshot } from '../kong/snapshot-file.ts'
import type { Logger } from '../telemetry/logger.ts'

/**
 * Saves what a Kong holds before the first write to it, so that it can be given back. Never throws: a mesh that cannot save
 * it says so and goes on, since it writes to nothing that is not its own.
 * @param folder null: nothing is saved
 */
export async function saveBeforeFirstWrite(
  { admin, isDbless }: KongTarget,
  folder: string | null,
  log: Logger,
): Promise<void> {
  if (folder === null) return
  const kong = admin.url
  try {
    const snapshot: KongSnapshot = await readSnapshot(admin, isDbless, new Date())
    if (isEmpty(snapshot)) return
    const file = snapshotPath(folder, snapshot)
    await writeSnapshot(file, snapshot)
    log.info('what Kong held before the first write is saved', {
      kong,
      file,
      restore: `kongsul snapshot restore ${file}`,
    })
  } catch (error) {
    const hint =
      'set kong.snapshotDir to a folder that can be written, or to off; kongsul snapshot save does it by hand'
    log.warn('what Kong holds could not be saved', {
      code: 'SNAPSHOT_NOT_SAVED',
      kong,
      reason: (error as Error).message,
      hint,
    })
  }
}

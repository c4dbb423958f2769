import { statSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/**
 * Where the sockets are unless somebody says: `$XDG_RUNTIME_DIR/kongsul`, else a folder for this user in the temporary
 * one. Both are at the same place every time, because Kong's configuration names them.
 */
export function defaultSocketDir(environment: NodeJS.ProcessEnv): string {
  const runtime = environment['XDG_RUNTIME_DIR']
  return runtime ? join(runtime, 'kongsul') : join(tmpdir(), `kongsul-${userInfo().uid}`)
}

/** Whether `folder` belongs to somebody else: in a temporary folder anybody could have made it before us. */
export function isForeign(folder: string): boolean {
  const stats = statSync(folder, { throwIfNoEntry: false })
  return stats !== undefined && process.getuid !== undefined && stats.uid !== process.getuid()
}

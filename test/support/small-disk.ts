import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { allowFileSize, refuseFileSize, whyNoFileLimit } from './file-limit.ts'

/** A disk that can be full, for a process that writes to it. */
export interface SmallDisk {
  readonly folder: string
  /** Leaves no byte to the process, and to those that we start until it is free again. */
  fill(pid: number): void
  /** Takes away what filled it. */
  free(pid: number): void
  remove(): void
}

/** Who is not root has no file system of their own: there it is a limit on files (RLIMIT_FSIZE), as `FAULTS_DISK=limit` asks for. */
const isLimit = () => process.getuid?.() !== 0 || process.env['FAULTS_DISK'] === 'limit'

/** Why there can be none on this machine; null when there can. */
export const whyNoSmallDisk = (): string | null =>
  process.platform !== 'linux' ? 'needs Linux' : isLimit() ? whyNoFileLimit() : null

export const makeSmallDisk = (megabytes: number): SmallDisk =>
  isLimit() ? limitedFolder() : smallFileSystem(megabytes)

function smallFileSystem(megabytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder])
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: () => {
      try {
        for (;;) writeFileSync(filler, Buffer.alloc(64 * 1024), { flag: 'a' })
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    free: () => rmSync(filler, { force: true }),
    remove: () => {
      execFileSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function limitedFolder(): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-disk-'))
  return {
    folder,
    // What a process may write, those that it starts may.
    fill: (pid) => [pid, process.pid].forEach(refuseFileSize),
    free: (pid) => [pid, process.pid].forEach(allowFileSize),
    remove: () => {
      allowFileSize(process.pid)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

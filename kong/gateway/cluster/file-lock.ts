/**
 * A lock between processes: a symbolic link whose target names its holder, so that taking it and saying by whom is one
 * step. The lock of a process that is gone is taken away; only one process at a time may do that, by another such lock.
 */

import { randomBytes } from 'node:crypto'
import { lstatSync, readFileSync, readlinkSync, symlinkSync, unlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

export interface Lock {
  release(): void
}

export interface LockOptions {
  /** How long to wait for others, in ms. */
  readonly deadlineMs: number
}

/** @throws when others hold it for too long, or where no lock can be made, naming it. */
export async function acquireLock(path: string, { deadlineMs }: LockOptions): Promise<Lock> {
  const untilMs = performance.now() + deadlineMs
  for (;;) {
    const lock = tryLock(path)
    if (lock) return lock
    if (!(await breakStale(path, deadlineMs))) {
      if (performance.now() > untilMs) throw new Error(`the lock ${path} is held by ${holderOf(path)}`)
      await delay(1 + Math.random() * 4)
    }
  }
}

/** How long a lock from another machine counts, in ms: whether its process lives cannot be seen from here. */
const FOREIGN_LEASE_MS = 10_000

function tryLock(path: string): Lock | undefined {
  const owner = `${encodeURIComponent(hostname())}:${process.pid}:${startOf(process.pid)}:${randomBytes(6).toString('hex')}`
  try {
    symlinkSync(owner, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return undefined
    throw error
  }
  return { release: () => removeIfOf(path, owner) }
}

/** @returns whether it took the lock of a dead process away. */
async function breakStale(path: string, deadlineMs: number): Promise<boolean> {
  const owner = holderOf(path)
  if (owner === undefined || isAlive(path, owner)) return false
  // Named after the dead holder, so that whoever comes late looks for a lock that is gone.
  const breaking = await acquireLock(`${path}.${owner.split(':').at(-1)}`, { deadlineMs })
  try {
    removeIfOf(path, owner)
  } finally {
    breaking.release()
  }
  return true
}

function removeIfOf(path: string, owner: string): void {
  if (holderOf(path) === owner) unlinkSync(path)
}

function holderOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function isAlive(path: string, owner: string): boolean {
  const [host, pid, start] = owner.split(':')
  if (host !== encodeURIComponent(hostname())) return ageMs(path) < FOREIGN_LEASE_MS
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    // EPERM: it lives, and is somebody else's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(Number(pid))
  return now === '' || start === '' || now === start
}

function ageMs(path: string): number {
  try {
    return Date.now() - lstatSync(path).mtimeMs
  } catch {
    return 0 // released meanwhile: nothing stale
  }
}

/** When a process started, in a unit of the kernel; '' where that cannot be known. Tells reused ids apart. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return '' // no /proc, or the process is gone: then the id alone decides
  }
}

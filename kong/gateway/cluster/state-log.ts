/**
 * The file that gateways share: one line with all rows, then a line for every commit since. Commits are appended and
 * synced to disk under a lock; readers need none. What a killed writer left unfinished has no line end and is cut off
 * by the next one. When the commits outgrow the rows the file is replaced by one with a single line.
 */

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  write,
  writeFileSync,
} from 'node:fs'
import { promisify } from 'node:util'
import { acquireLock, type Lock } from './file-lock.ts'
import { type Commit, parseCommit, parseSnapshot, type Snapshot, snapshotLine } from './state-lines.ts'

/** What happened since the last look. With a snapshot, the commits come on top of it. */
export interface News {
  readonly snapshot?: Snapshot
  readonly commits: readonly Commit[]
}

const LOCK_DEADLINE_MS = 10_000
/** Commits may take this many bytes, or this many times the rows, before the file is replaced. */
const MIN_COMPACTION_BYTES = 1_000_000
const COMPACTION_FACTOR = 4

const writeAsync = promisify(write)
const fdatasyncAsync = promisify(fdatasync)

export class StateLog {
  readonly #path: string
  #file: number | undefined
  /** Up to where lines were read; always a line's end. */
  #readBytes = 0
  #snapshotBytes = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Makes the file when it is missing. @throws when it cannot be used, naming it. */
  async open(): Promise<News> {
    try {
      const lock = await this.lock()
      try {
        return this.#openUnderLock()
      } finally {
        lock.release()
      }
    } catch (error) {
      const why = (error as Error).message
      const message =
        error instanceof SyntaxError
          ? `the state file ${this.#path} is broken (${why}); mend it or move it away`
          : `cannot use the state file ${this.#path}: ${why}`
      throw new Error(message, { cause: error })
    }
  }

  lock(): Promise<Lock> {
    return acquireLock(`${this.#path}.lock`, { deadlineMs: LOCK_DEADLINE_MS })
  }

  /**
   * Complete lines only. A line that is no JSON may be one being written: it is looked at again the next time, unless
   * `isStrict`.
   */
  read({ isStrict = false } = {}): News {
    if (this.#isReplaced()) this.#openFile()
    const bytes = this.#readFrom(this.#readBytes)
    let snapshot: Snapshot | undefined
    const commits: Commit[] = []
    let start = 0
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      try {
        const text = bytes.toString('utf8', start, end)
        if (this.#readBytes === 0) {
          snapshot = parseSnapshot(text)
          this.#snapshotBytes = end + 1
        } else commits.push(parseCommit(text))
      } catch (error) {
        if (isStrict) throw error
        break
      }
      this.#readBytes += end + 1 - start
      start = end + 1
    }
    return { ...(snapshot ? { snapshot } : {}), commits }
  }

  /** Everything from the start. */
  readAgain(): News {
    this.#openFile()
    return this.read()
  }

  /** Under the lock, after everything was read. Resolves when the commit is on the disk. */
  async append(commit: Commit): Promise<void> {
    const file = this.#file as number
    if (fstatSync(file).size > this.#readBytes) ftruncateSync(file, this.#readBytes)
    const line = Buffer.from(`${JSON.stringify(commit)}\n`)
    for (let done = 0; done < line.length; ) {
      done += (await writeAsync(file, line, done, line.length - done, this.#readBytes + done)).bytesWritten
    }
    await fdatasyncAsync(file)
    this.#readBytes += line.length
  }

  /** Whether it is time to `compact`. */
  get isLarge(): boolean {
    const commitBytes = this.#readBytes - this.#snapshotBytes
    return commitBytes > Math.max(MIN_COMPACTION_BYTES, COMPACTION_FACTOR * this.#snapshotBytes)
  }

  /** Whether somebody took the file away under the nodes. */
  get isRemoved(): boolean {
    return !this.#exists()
  }

  /** Under the lock, after everything was read. */
  compact(snapshot: Snapshot): void {
    this.#replace(snapshot)
    this.#openFile()
    this.#readBytes = fstatSync(this.#file as number).size
    this.#snapshotBytes = this.#readBytes
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #openUnderLock(): News {
    if (!this.#exists()) this.#replace({ rows: new Map(), marks: [], configurationHash: undefined })
    this.#openFile()
    const bytes = this.#readFrom(0)
    // One that an older version wrote has one line, without an end.
    if (!bytes.includes(0x0a)) this.#replace(parseSnapshot(bytes.toString('utf8')))
    this.#openFile()
    return this.read({ isStrict: true })
  }

  #exists(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false }) !== undefined
  }

  #openFile(): void {
    const file = openSync(this.#path, 'r+')
    this.close()
    this.#file = file
    this.#readBytes = 0
  }

  #isReplaced(): boolean {
    const there = statSync(this.#path, { throwIfNoEntry: false })
    // Somebody removed it: what is known stays, and the next commit makes it anew.
    return there !== undefined && there.ino !== fstatSync(this.#file as number).ino
  }

  #readFrom(position: number): Buffer {
    const file = this.#file as number
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - position))
    let length = 0
    while (length < bytes.length) {
      const count = readSync(file, bytes, length, bytes.length - length, position + length)
      if (count === 0) break
      length += count
    }
    return bytes.subarray(0, length)
  }

  #replace(snapshot: Snapshot): void {
    const temporary = `${this.#path}.${randomBytes(4).toString('hex')}.tmp`
    try {
      writeFileSync(temporary, snapshotLine(snapshot), { flag: 'wx', mode: 0o600, flush: true })
      renameSync(temporary, this.#path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  }
}

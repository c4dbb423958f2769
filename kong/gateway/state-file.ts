/** The file a store survives restarts in: JSON, replaced as a whole, so that a crash leaves the old or the new one. */

import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import type { Collection } from './schema/entities/entity-definition.ts'
import type { Row } from './store.ts'

export type Snapshot = Partial<Record<Collection, readonly Row[]>>

const FORMAT = 'kongsul-gateway-1'
const MIN_DELAY_MS = 50
const MAX_DELAY_MS = 2_000
/** Writing may take one part in so many of the time: a large store is written less often. */
const SHARE = 20

export class StateFile {
  readonly #path: string
  readonly #snapshot: () => Snapshot
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> = Promise.resolve()
  #failure: Error | undefined
  #lastWriteMs = 0

  constructor(path: string, snapshot: () => Snapshot) {
    this.#path = path
    this.#snapshot = snapshot
  }

  /** @throws when the file is there and is not one of ours, naming it. An absent file is an empty store. */
  async read(): Promise<Snapshot> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
      throw new Error(`cannot read the state file ${this.#path}: ${(error as Error).message}`, {
        cause: error,
      })
    }
    try {
      return checked(JSON.parse(text))
    } catch (error) {
      const why = (error as Error).message
      throw new Error(`the state file ${this.#path} is broken (${why}); mend it or move it away`, {
        cause: error,
      })
    }
  }

  /** Writes soon; changes in quick succession share one write. */
  markChanged(): void {
    if (this.#timer) return
    const delayMs = Math.min(Math.max(this.#lastWriteMs * SHARE, MIN_DELAY_MS), MAX_DELAY_MS)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#enqueue()
    }, delayMs)
  }

  /** Writes what is not yet written. @throws when the last write failed. */
  async close(): Promise<void> {
    if (this.#timer) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#enqueue()
    }
    await this.#writing
    if (this.#failure) throw this.#failure
  }

  #enqueue(): void {
    this.#writing = this.#writing.then(async () => {
      const startedMs = performance.now()
      try {
        await this.#write()
        this.#lastWriteMs = performance.now() - startedMs
        this.#failure = undefined
      } catch (error) {
        const message = `cannot write the state file ${this.#path}: ${(error as Error).message}`
        this.#failure = new Error(message, { cause: error })
        process.emitWarning(message)
      }
    })
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.${randomBytes(4).toString('hex')}.tmp`
    try {
      const file = await open(temporary, 'wx', 0o600)
      try {
        await file.writeFile(JSON.stringify({ format: FORMAT, ...this.#snapshot() }))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, this.#path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
}

function checked(saved: unknown): Snapshot {
  if (typeof saved !== 'object' || saved === null || (saved as { format?: unknown }).format !== FORMAT) {
    throw new Error(`no "format": "${FORMAT}"`)
  }
  for (const [collection, rows] of Object.entries(saved)) {
    if (collection === 'format') continue
    const isGood = Array.isArray(rows) && rows.every((row) => typeof row?.id === 'string')
    if (!isGood) throw new Error(`${collection} is not a list of rows with ids`)
  }
  return saved as Snapshot
}

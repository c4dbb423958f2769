// The file that traces survive a restart in. Written beside it and renamed, so that it is the old one or the new one.
import { createWriteStream, mkdirSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createGzip, gunzip } from 'node:zlib'
import type { Logger } from '../telemetry/logger.ts'
import { endLine, headLine, readLines, traceLine } from './snapshot.ts'
import type { TraceStore } from './trace-store.ts'

const EVERY_MS = 60_000
/** Traces that are written, or read, in one go: meanwhile nothing else happens. */
const AT_ONCE = 50

export class SnapshotFile {
  readonly #path: string
  readonly #store: TraceStore
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #saving: Promise<void> | null = null
  /** What was in the store when it was saved last. */
  #savedMark = ''

  constructor(path: string, store: TraceStore, log: Logger) {
    this.#path = path
    this.#store = store
    this.#log = log
  }

  /** Loads what is there; a file that cannot be read is set aside. From then on the file is written every minute. */
  async start(): Promise<void> {
    await this.#load()
    this.#savedMark = this.#mark()
    this.#timer = setInterval(() => void this.save(), EVERY_MS)
    this.#timer.unref()
  }

  /** Saves what has come since. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#saving
    await this.save()
  }

  /** Never throws: what keeps it from being written is logged. */
  save(): Promise<void> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = null
    })
    return this.#saving
  }

  async #save(): Promise<void> {
    const mark = this.#mark()
    if (mark === this.#savedMark) return
    const beside = `${this.#path}.${process.pid}.part`
    try {
      await this.#write(beside)
      await rename(beside, this.#path)
      this.#savedMark = mark
    } catch (error) {
      this.#log.warn('traces cannot be saved', { file: this.#path, reason: (error as Error).message })
      // Where it could not be made there is nothing to remove.
      await rm(beside, { force: true }).catch(() => {})
    }
  }

  async #write(path: string): Promise<void> {
    mkdirSync(dirname(path), { recursive: true })
    await pipeline(this.#lines(), createGzip({ level: 1 }), createWriteStream(path, { mode: 0o600 }))
    const handle = await open(path)
    await handle.sync()
    await handle.close()
  }

  async *#lines(): AsyncGenerator<string> {
    yield `${headLine()}\n`
    const traces = [...this.#store.traces()]
    let count = 0
    for (let i = 0; i < traces.length; i += AT_ONCE) {
      const lines = traces.slice(i, i + AT_ONCE).filter(({ isGone }) => !isGone)
      count += lines.length
      yield lines.map((trace) => `${traceLine(trace)}\n`).join('')
      await turn()
    }
    yield `${endLine(count)}\n`
  }

  async #load(): Promise<void> {
    try {
      const bytes = await unpacked(await readFile(this.#path))
      // All of it is read before any of it is used: half a file is none.
      const traces = [...readLines(linesOf(bytes))]
      for (const [i, { arrivedMs, spans }] of traces.entries()) {
        this.#store.add(spans, arrivedMs)
        if (i % AT_ONCE === 0) await turn()
      }
      this.#log.info('traces were loaded', { file: this.#path, traces: traces.length })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') await this.#setAside(error as Error)
    }
  }

  async #setAside(error: Error): Promise<void> {
    const aside = `${this.#path}.broken-${Date.now()}`
    await rename(this.#path, aside).catch(() => {})
    this.#log.warn('the file of traces cannot be read and is set aside', {
      file: this.#path,
      aside,
      reason: error.message,
    })
  }

  #mark(): string {
    return `${this.#store.traceCount} ${this.#store.spanCount} ${this.#store.evicted}`
  }
}

const unpacked = promisify(gunzip)

function* linesOf(bytes: Buffer): Generator<string> {
  for (let from = 0; from < bytes.length; ) {
    const at = bytes.indexOf(10, from)
    const end = at < 0 ? bytes.length : at
    yield bytes.toString('utf8', from, end)
    from = end + 1
  }
}

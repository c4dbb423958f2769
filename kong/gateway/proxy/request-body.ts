import { closeSync, openSync, read, unlinkSync, write } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newRequestId } from './request-id.ts'

/** A body that was read to its end and can be sent any number of times. */
export interface BufferedBody {
  readonly sizeBytes: number
  /** The whole body when it is small enough for memory, else null. */
  readonly whole: Buffer | null
  /** Calls back with each piece until it answers false or the body ends; then with null. */
  read(position: number, done: (piece: Buffer | null) => void): void
  dispose(): void
}

/** Bodies up to this size stay in memory; larger ones go to an unlinked temporary file, as in nginx. */
export const MEMORY_LIMIT_BYTES = 1024 * 1024

export function hasBody(request: IncomingMessage): boolean {
  const { headers } = request
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

/** Reads the body to its end. Null when the client went away before that. */
export function bufferBody(request: IncomingMessage, done: (body: BufferedBody | null) => void): void {
  let chunks: Buffer[] = []
  let sizeBytes = 0
  let file: SpoolFile | null = null
  let ended = false
  const finish = (body: BufferedBody | null): void => {
    if (ended) return
    ended = true
    if (!body) file?.dispose()
    done(body)
  }
  request.on('data', (chunk: Buffer) => {
    sizeBytes += chunk.length
    if (!file && sizeBytes > MEMORY_LIMIT_BYTES) {
      file = new SpoolFile()
      for (const earlier of chunks) file.append(earlier, request)
      chunks = []
    }
    if (file) file.append(chunk, request)
    else chunks.push(chunk)
  })
  request.on('end', () => {
    if (file) file.whenWritten((ok) => finish(ok ? file : null))
    else finish(new MemoryBody(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
  })
  request.on('close', () => {
    if (!request.complete) finish(null)
  })
}

/** A body a plugin made. */
export function keptBody(whole: Buffer): BufferedBody {
  return new MemoryBody(whole)
}

class MemoryBody implements BufferedBody {
  readonly whole: Buffer
  readonly sizeBytes: number

  constructor(whole: Buffer) {
    this.whole = whole
    this.sizeBytes = whole.length
  }

  read(position: number, done: (piece: Buffer | null) => void): void {
    done(position === 0 && this.sizeBytes > 0 ? this.whole : null)
  }

  dispose(): void {}
}

const PIECE_BYTES = 64 * 1024

class SpoolFile implements BufferedBody {
  readonly whole = null
  sizeBytes = 0
  readonly #fd: number
  #writing = 0
  #failed = false
  #closed = false
  #whenWritten: ((ok: boolean) => void) | null = null

  constructor() {
    const path = join(tmpdir(), `kongsul-body-${newRequestId()}`)
    this.#fd = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
  }

  append(chunk: Buffer, source: IncomingMessage): void {
    const position = this.sizeBytes
    this.sizeBytes += chunk.length
    this.#writing++
    if (this.#writing > 16) source.pause()
    write(this.#fd, chunk, 0, chunk.length, position, (error) => {
      this.#writing--
      if (error) this.#failed = true
      if (this.#writing <= 16) source.resume()
      if (this.#writing === 0) this.#settle()
    })
  }

  whenWritten(done: (ok: boolean) => void): void {
    this.#whenWritten = done
    if (this.#writing === 0) this.#settle()
  }

  read(position: number, done: (piece: Buffer | null) => void): void {
    if (position >= this.sizeBytes || this.#closed) {
      done(null)
      return
    }
    const piece = Buffer.allocUnsafe(Math.min(PIECE_BYTES, this.sizeBytes - position))
    read(this.#fd, piece, 0, piece.length, position, (error, count) =>
      done(error ? null : piece.subarray(0, count)),
    )
  }

  dispose(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#writing === 0) closeSync(this.#fd)
  }

  #settle(): void {
    if (this.#closed) closeSync(this.#fd)
    else this.#whenWritten?.(!this.#failed)
    this.#whenWritten = null
  }
}

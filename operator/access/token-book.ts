import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Logger } from '../telemetry/logger.ts'
import { parseTokens, type Rights } from './parse-tokens.ts'

export interface Bearer {
  /** Shown in the log. */
  readonly name: string
  readonly rights: Rights
}

interface Known extends Bearer {
  readonly hash: Buffer
}

interface FileState {
  /** Changes whenever the file does. */
  readonly mark: string
  readonly tokens: readonly Known[]
}

/** A file that has changed is read again with the first request after this. */
const LOOK_AGAIN_MS = 500

/** Who may do what, by bearer token. Tokens come from files, which are read again when they change. */
export class TokenBook {
  readonly #files: readonly string[]
  readonly #fixed: readonly Known[]
  readonly #log: Logger
  #states = new Map<string, FileState>()
  #lookedMs = Number.NEGATIVE_INFINITY

  /** @param token one with every right, given without a file */
  constructor(files: readonly string[], token: string | undefined, log: Logger) {
    this.#files = files
    this.#log = log
    this.#fixed = token === undefined ? [] : [known({ name: 'access.token', rights: 'write', token })]
    this.#look()
  }

  /** null for a token that nobody has. */
  find(token: string): Bearer | null {
    if (performance.now() - this.#lookedMs > LOOK_AGAIN_MS) this.#look()
    const hash = hashOf(token)
    let found: Known | null = null
    // All are compared, so that the time says nothing about which one it is.
    for (const each of this.#all()) if (timingSafeEqual(each.hash, hash)) found = each
    return found
  }

  /** Is there any token at all? */
  get isEmpty(): boolean {
    return this.#all().length === 0
  }

  #all(): readonly Known[] {
    return [...this.#fixed, ...[...this.#states.values()].flatMap(({ tokens }) => tokens)]
  }

  #look(): void {
    this.#lookedMs = performance.now()
    for (const file of this.#files) {
      try {
        const { mtimeMs, size, ino } = statSync(file)
        const mark = `${mtimeMs} ${size} ${ino}`
        const before = this.#states.get(file)
        if (before?.mark === mark) continue
        const { tokens, problems } = parseTokens(readFileSync(file, 'utf8'), basename(file))
        for (const problem of problems) this.#log.warn('a line of tokens is not used', { file, problem })
        this.#states.set(file, { mark, tokens: tokens.map(known) })
        if (before !== undefined) this.#log.info('tokens were read again', { file, tokens: tokens.length })
      } catch (error) {
        // What was read last stays; a file that was never read lets nobody in.
        const reason = (error as Error).message
        if (this.#states.get(file)?.mark !== reason) this.#log.warn('tokens cannot be read', { file, reason })
        this.#states.set(file, { mark: reason, tokens: this.#states.get(file)?.tokens ?? [] })
      }
    }
  }
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()

const known = ({ name, rights, token }: Bearer & { token: string }): Known => ({
  name,
  rights,
  hash: hashOf(token),
})

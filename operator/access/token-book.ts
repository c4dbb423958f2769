import { createHash, timingSafeEqual } from 'node:crypto'
import { basename } from 'node:path'
import { type FileNews, WatchedFiles } from '../secrets/watched-files.ts'
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

/** Who may do what, by bearer token. Tokens come from files, which are read again when they change. */
export class TokenBook {
  readonly #files: readonly WatchedFiles<readonly Known[]>[]
  readonly #fixed: readonly Known[]

  /** @param token one with every right, given without a file */
  constructor(files: readonly string[], token: string | undefined, log: Logger) {
    this.#files = files.map((file) => watchTokens(file, log))
    this.#fixed = token === undefined ? [] : [known({ name: 'access.token', rights: 'write', token })]
  }

  /** null for a token that nobody has. */
  find(token: string): Bearer | null {
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
    return [...this.#fixed, ...this.#files.flatMap((file) => file.current())]
  }
}

/** One that was never read lets nobody in. */
function watchTokens(file: string, log: Logger): WatchedFiles<readonly Known[]> {
  const parse = ([text = '']: readonly string[]): readonly Known[] => {
    const { tokens, problems } = parseTokens(text, basename(file))
    for (const problem of problems) log.warn('a line of tokens is not used', { file, problem })
    return tokens.map(known)
  }
  const tell = ({ problem: reason }: FileNews) => {
    if (reason === null) log.info('tokens were read again', { file, tokens: watched.current().length })
    else log.warn('tokens cannot be read', { file, reason })
  }
  const watched = new WatchedFiles([{ setting: 'access.tokenFiles', path: file }], parse, {
    tell,
    otherwise: [],
  })
  return watched
}

const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()

const known = ({ name, rights, token }: Bearer & { token: string }): Known => ({
  name,
  rights,
  hash: hashOf(token),
})

import { readFileSync } from 'node:fs'
import { fileMark } from './file-mark.ts'

/** A file and the setting that names it. */
export interface NamedFile {
  /** For messages, e.g. `kong.tokenFile`. */
  readonly setting: string
  readonly path: string
}

/** What became of files that have changed. */
export interface FileNews {
  readonly files: readonly NamedFile[]
  /** Why they are not used, and what mends it; null: they were read again. */
  readonly problem: string | null
}

export interface Watching<T> {
  readonly tell: (news: FileNews) => void
  readonly otherwise?: T
}

/** Files that have changed are read again with the first use after this. */
const LOOK_AGAIN_MS = 500

/**
 * What files hold that belong together, read again when one of them changes. What cannot be used (half written, empty, a key
 * of another certificate) leaves what was there before.
 */
export class WatchedFiles<T> {
  readonly files: readonly NamedFile[]
  readonly #parse: (texts: readonly string[]) => T
  readonly #tell: (news: FileNews) => void
  #value: T
  #mark: string
  #lookedMs = performance.now()

  /**
   * @param parse of the files' texts in their order. @throws Error naming the setting and what mends it
   * @param watching `otherwise`: what to begin with where they cannot be used; without it that is an error
   * @throws Error the same, and for a file that cannot be read
   */
  constructor(
    files: readonly NamedFile[],
    parse: (texts: readonly string[]) => T,
    { tell, otherwise }: Watching<T>,
  ) {
    this.files = files
    this.#parse = parse
    this.#tell = tell
    this.#mark = markOf(files)
    try {
      this.#value = parse(files.map(readNamed))
    } catch (error) {
      if (otherwise === undefined) throw error
      this.#value = otherwise
      tell({ files, problem: (error as Error).message })
    }
  }

  /** The newest that can be used. */
  current(): T {
    if (performance.now() - this.#lookedMs > LOOK_AGAIN_MS) this.#look()
    return this.#value
  }

  #look(): void {
    this.#lookedMs = performance.now()
    const mark = markOf(this.files)
    if (mark === this.#mark) return
    this.#mark = mark
    try {
      this.#value = this.#parse(this.files.map(readNamed))
      this.#tell({ files: this.files, problem: null })
    } catch (error) {
      this.#tell({ files: this.files, problem: (error as Error).message })
    }
  }
}

const markOf = (files: readonly NamedFile[]): string => files.map(({ path }) => fileMark(path)).join('|')

function readNamed({ setting, path }: NamedFile): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(
      `${setting} cannot be read: ${(error as Error).message}. Mend the path or the permission.`,
      { cause: error },
    )
  }
}

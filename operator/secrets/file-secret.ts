import { Secret } from '../telemetry/secret.ts'
import { type NamedFile, WatchedFiles, type Watching } from './watched-files.ts'

/** A secret in a file, without the white space around it: `reveal()` gives the one that is there now. */
export class FileSecret extends Secret {
  readonly file: NamedFile
  readonly #watched: WatchedFiles<string>

  /**
   * @param whileEmpty what it is for as long as the file is empty from the start
   * @throws Error for a file that cannot be read
   */
  constructor(file: NamedFile, watching: Watching<string>, whileEmpty = '') {
    super(whileEmpty)
    this.file = file
    let last = ''
    const parse = ([text = '']: readonly string[]): string => {
      const held = text.trim()
      // Somebody is about to write it.
      if (held === '' && last !== '')
        throw new Error(`${file.setting}: ${file.path} is empty. Write the secret into it.`)
      last = held
      return held === '' ? whileEmpty : held
    }
    this.#watched = new WatchedFiles([file], parse, watching)
  }

  get whileEmpty(): string {
    return super.reveal()
  }

  override reveal(): string {
    return this.#watched.current()
  }
}

import { validateHeaderName, validateHeaderValue } from 'node:http'
import { type NamedFile, WatchedFiles, type Watching } from './watched-files.ts'

export type Headers = Readonly<Record<string, string>>

/** Headers in a file, one a line (`Authorization: Bearer ...`); empty lines and those that begin with # say nothing. */
export class HeaderFile {
  readonly file: NamedFile
  readonly #watched: WatchedFiles<Headers>

  /** @throws Error naming setting, line and fix, and never what the line holds */
  constructor(file: NamedFile, watching: Watching<Headers>) {
    this.file = file
    this.#watched = new WatchedFiles([file], ([text = '']) => parseHeaders(text, file), watching)
  }

  current(): Headers {
    return this.#watched.current()
  }

  toJSON(): NamedFile {
    return this.file
  }
}

function parseHeaders(text: string, { setting, path }: NamedFile): Headers {
  const pairs = text.split('\n').flatMap((line, at) => {
    if (line.trim() === '' || line.trim().startsWith('#')) return []
    const [, name = '', value = ''] = /^\s*([^\s:]+)\s*:\s*(.*?)\s*$/.exec(line) ?? []
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      throw new Error(`${setting}: ${path}:${at + 1} is no header. Write NAME: VALUE, one a line.`)
    }
    return [[name.toLowerCase(), value] as const]
  })
  return Object.fromEntries(pairs)
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileMark } from '../secrets/file-mark.ts'
import { parseSealKey, unseal } from '../secrets/seal.ts'

export interface CertificateFolders {
  /** Where files that documents name lie; undefined: none may be named. */
  readonly folder: string | undefined
  /** File with the key that opens sealed keys. */
  readonly keyFile: string | undefined
}

/** The files beside the documents in KV. Errors say what cannot be read and why, never what is in it. */
export class CertificateFiles {
  readonly #folders: CertificateFolders

  constructor(folders: CertificateFolders) {
    this.#folders = folders
  }

  /**
   * @param field of the document, for the error
   * @throws Error when no folder is set, or the file cannot be read
   */
  read(field: string, file: string): string {
    const { folder } = this.#folders
    if (folder !== undefined) return readOrThrow(field, join(folder, file))
    throw new Error(`${field} names a file, and certificates.folder does not say where files lie`)
  }

  /** @throws Error when there is no key file, or it does not open */
  open(sealed: string, purpose: string): string {
    const { keyFile } = this.#folders
    if (keyFile === undefined)
      throw new Error('key is sealed, and secrets.keyFile names no file that opens it')
    const key = parseSealKey(readOrThrow('secrets.keyFile', keyFile))
    try {
      return unseal(sealed, key, purpose)
    } catch (error) {
      throw new Error(`key cannot be opened: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Another text once one of the files is another; '' for none. */
  stampOf(files: readonly string[], isSealed = false): string {
    const { folder, keyFile } = this.#folders
    const named = folder === undefined ? [] : files.map((file) => join(folder, file))
    return [...named, ...(isSealed && keyFile !== undefined ? [keyFile] : [])].map(fileMark).join(' ')
  }
}

function readOrThrow(what: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no reason is known'
    throw new Error(`${what} cannot be read: ${code} ${file}`, { cause: error })
  }
}

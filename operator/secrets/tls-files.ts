import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import { type NamedFile, WatchedFiles, type Watching } from './watched-files.ts'

/** PEM texts; undefined for what nobody gave. */
export interface TlsTexts {
  readonly ca: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
}

export interface TlsFileNames {
  readonly ca?: NamedFile | undefined
  readonly cert?: NamedFile | undefined
  readonly key?: NamedFile | undefined
}

/** An authority, and a certificate with its key, in files: used together, and only when they belong together. */
export class TlsFiles {
  readonly names: TlsFileNames
  readonly #watched: WatchedFiles<TlsTexts>

  /** @throws Error naming the setting and the fix for a file that cannot be read or used */
  constructor(names: TlsFileNames, watching: Watching<TlsTexts>) {
    this.names = names
    const files = [names.ca, names.cert, names.key].filter((file) => file !== undefined)
    const parse = (texts: readonly string[]): TlsTexts => {
      const textOf = (file: NamedFile | undefined) => file && texts[files.indexOf(file)]
      const read = { ca: textOf(names.ca), cert: textOf(names.cert), key: textOf(names.key) }
      checkTexts(read, names)
      return read
    }
    this.#watched = new WatchedFiles(files, parse, watching)
  }

  current(): TlsTexts {
    return this.#watched.current()
  }

  /** Where the private key lies is no secret; what it is never gets in here. */
  toJSON(): TlsFileNames {
    return this.names
  }
}

function checkTexts({ ca, cert, key }: TlsTexts, names: TlsFileNames): void {
  if (ca !== undefined) checkCertificates(ca, names.ca!)
  if (cert === undefined || key === undefined) return
  checkCertificates(cert, names.cert!)
  try {
    tls.createSecureContext({ key })
  } catch (error) {
    throw unusable(names.key!, `holds no private key without a passphrase (${(error as Error).message})`)
  }
  try {
    tls.createSecureContext({ cert, key })
  } catch (error) {
    const reason = `is not the key of the certificate of ${names.cert!.setting} (${(error as Error).message})`
    throw unusable(names.key!, reason, 'Give both of the same pair.')
  }
}

const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]+-----/g

/** OpenSSL takes what is no certificate for none at all, and says nothing. */
function checkCertificates(text: string, file: NamedFile): void {
  const blocks = text.match(BLOCK) ?? []
  if (blocks.length === 0) throw unusable(file, 'holds no certificate in PEM')
  for (const block of blocks) {
    try {
      new X509Certificate(block)
    } catch (error) {
      throw unusable(file, `holds a certificate that cannot be read (${(error as Error).message})`)
    }
  }
}

const unusable = ({ setting, path }: NamedFile, reason: string, fix = 'Give a file in PEM.'): Error =>
  new Error(`${setting}: ${path} ${reason}. ${fix}`)

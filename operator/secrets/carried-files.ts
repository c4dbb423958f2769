import { Secret } from '../telemetry/secret.ts'
import { FileSecret } from './file-secret.ts'
import { HeaderFile } from './header-file.ts'
import { TlsFiles } from './tls-files.ts'
import type { FileNews } from './watched-files.ts'

const KIND = '$file'

/** A value for another process of ours, as JSON: what is in files by their names, other secrets in clear. */
export function carriedText(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name, plain) {
    const given = this[name]
    if (given instanceof FileSecret) {
      const { file, whileEmpty } = given
      return { [KIND]: 'secret', file, whileEmpty }
    }
    if (given instanceof TlsFiles) return { [KIND]: 'tls', names: given.names }
    if (given instanceof HeaderFile) return { [KIND]: 'headers', file: given.file }
    return given instanceof Secret ? given.reveal() : plain
  })
}

/**
 * The value again. Files that cannot be used at the moment are told of, and used as soon as they can: a process that
 * has to take over does not wait for them.
 */
export function fromCarried(text: string, tell: (news: FileNews) => void): unknown {
  return JSON.parse(text, (_name, value) => {
    switch (value?.[KIND]) {
      case 'secret':
        return new FileSecret(value.file, { tell, otherwise: value.whileEmpty }, value.whileEmpty)
      case 'tls':
        return new TlsFiles(value.names, {
          tell,
          otherwise: { ca: undefined, cert: undefined, key: undefined },
        })
      case 'headers':
        return new HeaderFile(value.file, { tell, otherwise: {} })
      default:
        return value
    }
  })
}

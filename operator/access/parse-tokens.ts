/** Lines of a file of tokens: `NAME read|write|ingest TOKEN`, or a token alone, which may do everything. Pure. */

/** `ingest`: may send spans, and nothing else. */
export type Rights = 'read' | 'write' | 'ingest'

export interface NamedToken {
  readonly name: string
  readonly rights: Rights
  readonly token: string
}

const LEAST_CHARS = 16

/** @param file name for a token that stands alone */
export function parseTokens(
  text: string,
  file: string,
): { readonly tokens: readonly NamedToken[]; readonly problems: readonly string[] } {
  const tokens: NamedToken[] = []
  const problems: string[] = []
  text.split('\n').forEach((whole, at) => {
    const line = whole.trim()
    if (line === '' || line.startsWith('#')) return
    const words = line.split(/\s+/)
    const [name, rights, token] = words.length === 1 ? [file, 'write', words[0]!] : words
    if (words.length !== 1 && words.length !== 3)
      problems.push(`line ${at + 1} is not NAME read|write|ingest TOKEN`)
    else if (rights !== 'read' && rights !== 'write' && rights !== 'ingest')
      problems.push(`line ${at + 1}: the right is read, write or ingest`)
    else if (token!.length < LEAST_CHARS)
      problems.push(`line ${at + 1}: fewer than ${LEAST_CHARS} characters`)
    else tokens.push({ name: name!, rights, token: token! })
  })
  return { tokens, problems }
}

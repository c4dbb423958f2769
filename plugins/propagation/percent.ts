// Percent encoding of baggage as nginx does it (ngx.escape_uri, ngx.unescape_uri), which is what Kong uses.
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Encodes what encodeURIComponent does, which is what nginx does; unlike that it takes halves of surrogate pairs. */
export const escapePercent = (text: string): string =>
  encodeURIComponent(Buffer.from(text, 'utf8').toString('utf8'))

/** Decodes `%XX` and `+`; a percent sign without two hex digits stays. Null when the result is not UTF-8. */
export function unescapePercent(text: string): string | null {
  if (!text.includes('%') && !text.includes('+')) return text
  const source = Buffer.from(text, 'utf8')
  const bytes = Buffer.alloc(source.length)
  let length = 0
  for (let i = 0; i < source.length; i++) {
    const byte = source[i]!
    const high = byte === PERCENT ? digit(source[i + 1]) : -1
    const low = high < 0 ? -1 : digit(source[i + 2])
    if (low >= 0) {
      bytes[length++] = high * 16 + low
      i += 2
    } else bytes[length++] = byte === PLUS ? SPACE : byte
  }
  try {
    return utf8.decode(bytes.subarray(0, length))
  } catch {
    return null // not text: the caller leaves the header as it came
  }
}

const PERCENT = 0x25
const PLUS = 0x2b
const SPACE = 0x20

function digit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

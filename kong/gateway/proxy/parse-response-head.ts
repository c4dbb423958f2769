export interface ResponseHead {
  readonly status: number
  readonly reason: string
  /** Names and values in turn, as received. */
  readonly rawHeaders: readonly string[]
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  readonly keepAlive: boolean
}

export class MalformedResponse extends Error {}

/** Where the head ends and the body begins; lines may end without carriage return. */
export function headEnd(data: Buffer): { end: number; used: number } {
  const end = data.indexOf('\r\n\r\n')
  if (end >= 0) return { end, used: end + 4 }
  const bare = data.indexOf('\n\n')
  return { end: bare, used: bare + 2 }
}

const VALID_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
const INVALID_VALUE = /[\0-\x08\x0a-\x1f\x7f]/

/** Throws MalformedResponse. `length` is the declared one, or -1. */
export function parseHead(text: string, isHead: boolean): ResponseHead & { readonly length: number } {
  const lines = text.split(/\r?\n/)
  const statusLine = /^HTTP\/1\.([01]) (\d{3})(?: (.*))?$/.exec(lines[0]!)
  if (!statusLine) throw new MalformedResponse('invalid status line')
  const status = Number(statusLine[2])
  const rawHeaders: string[] = []
  let length = -1
  let chunked = false
  let keepAlive = statusLine[1] === '1'
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!
    const colon = line.indexOf(':')
    if (colon <= 0) throw new MalformedResponse('invalid header line')
    const name = line.slice(0, colon)
    const value = line.slice(colon + 1).trim()
    if (!VALID_NAME.test(name) || INVALID_VALUE.test(value)) throw new MalformedResponse('invalid header')
    rawHeaders.push(name, value)
    switch (name.length) {
      case 14:
        if (name.toLowerCase() === 'content-length') length = contentLength(value, length)
        break
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') chunked = /chunked\s*$/i.test(value)
        break
      case 10:
        if (name.toLowerCase() === 'connection') keepAlive = keepsAlive(value, keepAlive)
        break
    }
  }
  const noBody = isHead || status === 204 || status === 304 || status < 200
  const framing = noBody ? 'none' : chunked ? 'chunked' : length >= 0 ? 'length' : 'close'
  return {
    status,
    reason: statusLine[3] ?? '',
    rawHeaders,
    framing,
    keepAlive: keepAlive && framing !== 'close',
    length,
  }
}

function contentLength(value: string, previous: number): number {
  if (!/^\d+$/.test(value)) throw new MalformedResponse('invalid Content-Length')
  const length = Number(value)
  if (previous >= 0 && previous !== length) throw new MalformedResponse('two Content-Length headers')
  return length
}

function keepsAlive(value: string, byVersion: boolean): boolean {
  const tokens = value.toLowerCase()
  if (tokens.includes('close')) return false
  return tokens.includes('keep-alive') || byVersion
}

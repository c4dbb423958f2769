/**
 * MessagePack as Kong 3.9 writes it (lua-MessagePack 0.5, `string_compat`, unsigned integers, doubles) and reads it.
 * All strings are byte strings, one character a byte, as Lua's are: nothing is lost that is not UTF-8.
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */

export type Packable =
  | null
  | boolean
  | number
  | string
  | Binary
  | readonly Packable[]
  | { readonly [key: string]: Packable | undefined }

/** Bytes that are sent as `bin`, as Kong does with bodies. */
export class Binary {
  readonly bytes: string

  constructor(bytes: string) {
    this.bytes = bytes
  }
}

/** Fields that are undefined are left out, as nil is in Lua. An empty object is an empty map. */
export function pack(value: Packable): Buffer {
  const parts: Buffer[] = []
  write(value, parts)
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

function write(value: Packable, out: Buffer[]): void {
  if (value === null) out.push(Buffer.of(0xc0))
  else if (value === true) out.push(Buffer.of(0xc3))
  else if (value === false) out.push(Buffer.of(0xc2))
  else if (typeof value === 'number') out.push(number(value))
  else if (typeof value === 'string') writeString(value, out)
  else if (value instanceof Binary) {
    out.push(sized(value.bytes.length, { wide: [0xc4, 0xc5, 0xc6] }), Buffer.from(value.bytes, 'latin1'))
  } else if (isList(value)) {
    out.push(sized(value.length, { fixed: 0x90, fixedMax: 15, wide: [null, 0xdc, 0xdd] }))
    for (const item of value) write(item, out)
  } else {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    out.push(sized(entries.length, { fixed: 0x80, fixedMax: 15, wide: [null, 0xde, 0xdf] }))
    for (const [key, item] of entries) {
      writeString(key, out)
      write(item as Packable, out)
    }
  }
}

const isList = (value: Packable): value is readonly Packable[] => Array.isArray(value)

/** Kong's library knows no `str 8`: strings of 32 bytes and more have a length of two bytes. */
function writeString(text: string, out: Buffer[]): void {
  out.push(sized(text.length, { fixed: 0xa0, fixedMax: 31, wide: [null, 0xda, 0xdb] }))
  out.push(Buffer.from(text, 'latin1'))
}

interface LengthForms {
  readonly fixed?: number
  readonly fixedMax?: number
  /** Marks for lengths of one, two and four bytes; null where there is none. */
  readonly wide: readonly [number | null, number, number]
}

function sized(length: number, { fixed = 0, fixedMax = -1, wide }: LengthForms): Buffer {
  if (length <= fixedMax) return Buffer.of(fixed | length)
  const [one, two, four] = wide
  if (one !== null && length <= 0xff) return Buffer.of(one, length)
  if (length <= 0xffff) return Buffer.of(two, length >> 8, length & 0xff)
  const head = Buffer.alloc(5)
  head[0] = four
  head.writeUInt32BE(length, 1)
  return head
}

function number(value: number): Buffer {
  if (!Number.isInteger(value)) return double(value)
  if (value >= 0) {
    if (value <= 0x7f) return Buffer.of(value)
    if (value <= 0xff) return Buffer.of(0xcc, value)
    if (value <= 0xffff) return Buffer.of(0xcd, value >> 8, value & 0xff)
    if (value <= 0xffffffff) return marked(0xce, 4, (out) => out.writeUInt32BE(value, 1))
    if (value <= Number.MAX_SAFE_INTEGER)
      return marked(0xcf, 8, (out) => out.writeBigUInt64BE(BigInt(value), 1))
    return double(value)
  }
  if (value >= -0x20) return Buffer.of(0x100 + value)
  if (value >= -0x80) return marked(0xd0, 1, (out) => out.writeInt8(value, 1))
  if (value >= -0x8000) return marked(0xd1, 2, (out) => out.writeInt16BE(value, 1))
  if (value >= -0x80000000) return marked(0xd2, 4, (out) => out.writeInt32BE(value, 1))
  if (value >= Number.MIN_SAFE_INTEGER) return marked(0xd3, 8, (out) => out.writeBigInt64BE(BigInt(value), 1))
  return double(value)
}

const double = (value: number): Buffer => marked(0xcb, 8, (out) => out.writeDoubleBE(value, 1))

function marked(mark: number, bytes: number, fill: (out: Buffer) => void): Buffer {
  const out = Buffer.alloc(1 + bytes)
  out[0] = mark
  fill(out)
  return out
}

import { ProtocolError } from './protocol-error.ts'
import { mapOfOne, mapOfTwo, put } from './small-maps.ts'
import { TextCache } from './text-cache.ts'

const MAX_DEPTH = 64
/** `[0, id, METHOD, [{EventName: PHASE}]]` */
const NAMES_DEPTH = 3

/** Thrown when the bytes end before the value does. One object for all: nobody reads its stack. */
export const INCOMPLETE = new Error('more bytes are needed')

/**
 * Reads one MessagePack value out of bytes. Lua packs strings in the older forms without str8 (`string_compat`), so
 * all forms are read. Extension values, which Kong does not send, read as null.
 */
export class Decoder {
  readonly #names = new TextCache()
  /** Apart, so that what clients send pushes no name out. */
  readonly #values = new TextCache()
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #end = 0

  /** Where the value read last ended. */
  get position(): number {
    return this.#at
  }

  /**
   * The value that starts at `start`.
   * @throws INCOMPLETE when it goes beyond the end; ProtocolError when it is none or nested deeper than 64.
   */
  decode(bytes: Buffer, start: number): unknown {
    this.#bytes = bytes
    this.#at = start
    this.#end = bytes.length
    return this.#value(0)
  }

  #value(depth: number): unknown {
    if (this.#at >= this.#end) throw INCOMPLETE
    const tag = this.#bytes[this.#at++]!
    if (tag < 0x80) return tag
    if (tag >= 0xe0) return tag - 0x100
    if (tag >= 0xa0 && tag < 0xc0) return this.#shortString(tag & 0x1f, depth)
    if (tag < 0x90) return this.#map(tag & 0x0f, depth)
    if (tag < 0xa0) return this.#array(tag & 0x0f, depth)
    switch (tag) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#uint(1 << (tag - 0xc4)))
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#uint(1 << (tag - 0xc7)))
      case 0xca:
        return this.#bytes.readFloatBE(this.#skip(4))
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#skip(8))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (tag - 0xcc))
      case 0xcf:
        return Number(this.#bytes.readBigUInt64BE(this.#skip(8)))
      case 0xd0:
        return this.#bytes.readInt8(this.#skip(1))
      case 0xd1:
        return this.#bytes.readInt16BE(this.#skip(2))
      case 0xd2:
        return this.#bytes.readInt32BE(this.#skip(4))
      case 0xd3:
        return Number(this.#bytes.readBigInt64BE(this.#skip(8)))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (tag - 0xd4))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#uint(1 << (tag - 0xd9)))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 << (tag - 0xdc)), depth)
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (tag - 0xde)), depth)
      default:
        throw new ProtocolError('GARBAGE', `byte 0x${tag.toString(16)} starts no MessagePack value`)
    }
  }

  /** Steps over `count` bytes. @returns where they start. */
  #skip(count: number): number {
    const start = this.#at
    if (start + count > this.#end) throw INCOMPLETE
    this.#at = start + count
    return start
  }

  /** By hand: Node's own reading is shared by all kinds of arrays, and slow where many are used. */
  #uint(sizeBytes: number): number {
    const start = this.#skip(sizeBytes)
    let value = 0
    for (let i = start; i < this.#at; i++) value = value * 0x100 + this.#bytes[i]!
    return value
  }

  /** A key of a map; nearly always a short text that was there before. */
  #name(depth: number): string {
    const tag = this.#bytes[this.#at]!
    if (this.#at >= this.#end || (tag & 0xe0) !== 0xa0) return this.#otherName(depth)
    const start = this.#at + 1
    const end = start + (tag & 0x1f)
    if (end > this.#end) throw INCOMPLETE
    this.#at = end
    return this.#names.read(this.#bytes, start, end)
  }

  #otherName(depth: number): string {
    const key = this.#value(depth)
    if (typeof key !== 'object' || key === null) return String(key)
    throw new ProtocolError('GARBAGE', 'a map has a key that is neither text nor number')
  }

  /** At the top of a message stand names: its method, the phase of an event. Deeper down stands what clients send. */
  #shortString(length: number, depth: number): string {
    const start = this.#skip(length)
    const known = depth <= NAMES_DEPTH ? this.#names : this.#values
    return known.read(this.#bytes, start, this.#at)
  }

  #string(length: number): string {
    const start = this.#skip(length)
    return this.#bytes.toString('utf8', start, this.#at)
  }

  /** A copy: the bytes it came in are not kept alive by it. */
  #binary(length: number): Buffer {
    const start = this.#skip(length)
    return Buffer.from(this.#bytes.subarray(start, this.#at))
  }

  #extension(length: number): null {
    this.#skip(length + 1)
    return null
  }

  #array(length: number, depth: number): unknown[] {
    this.#enter(length, depth)
    // Filling an empty list makes room for 17; every header is a list of one, and every message one of four.
    if (length === 1) return [this.#value(depth + 1)]
    if (length === 4) {
      return [this.#value(depth + 1), this.#value(depth + 1), this.#value(depth + 1), this.#value(depth + 1)]
    }
    const items: unknown[] = []
    for (let i = 0; i < length; i++) items.push(this.#value(depth + 1))
    return items
  }

  #map(length: number, depth: number): Record<string, unknown> {
    this.#enter(length * 2, depth)
    const inner = depth + 1
    if (length === 1) return mapOfOne(this.#name(inner), this.#value(inner))
    if (length === 2) {
      return mapOfTwo(this.#name(inner), this.#value(inner), this.#name(inner), this.#value(inner))
    }
    const map: Record<string, unknown> = {}
    for (let i = 0; i < length; i++) put(map, this.#name(inner), this.#value(inner))
    return map
  }

  /** `count` values take at least as many bytes: a huge number of them is not believed before they are there. */
  #enter(count: number, depth: number): void {
    if (depth >= MAX_DEPTH) throw new ProtocolError('TOO_DEEP', `values are nested deeper than ${MAX_DEPTH}`)
    if (this.#at + count > this.#end) throw INCOMPLETE
  }
}

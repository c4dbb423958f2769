import { isUtf8 } from 'node:buffer'
import { TextCache } from '../../../plugins/server/msgpack/text-cache.ts'
import { MalformedError, type Notes } from './span-input.ts'

/** How deep groups may be nested before a body counts as an attack. */
const MOST_GROUPS = 64
const TWO_32 = 4_294_967_296
/** Keys and most values are the same in every request. */
const TEXTS = new TextCache()

/**
 * Reads protobuf's wire format in place: whoever knows the fields asks for them, the rest is skipped.
 * https://protobuf.dev/programming-guides/encoding/
 */
export class WireReader {
  readonly #bytes: Buffer
  readonly #notes: Notes
  /** Where reading goes on. */
  at = 0

  constructor(bytes: Buffer, notes: Notes) {
    this.#bytes = bytes
    this.#notes = notes
  }

  get length(): number {
    return this.#bytes.length
  }

  /** Field number and wire type of what follows: `number << 3 | type`. */
  tag(end: number): number {
    const tag = this.uint32(end)
    if (tag >>> 3 === 0) throw new MalformedError('a field has the number 0')
    return tag
  }

  /** A varint as its lower 32 bits, which is what enums, lengths and counts are. */
  uint32(end: number): number {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte(end)
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new MalformedError('a number is longer than 10 bytes')
  }

  /** An int64 varint: a number where that holds it exactly. */
  int64(end: number): number | bigint {
    let value = 0n
    let small = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte(end)
      if (shift < 49) small += (byte & 0x7f) * 2 ** shift
      else value |= BigInt(byte & 0x7f) << BigInt(shift)
      if (byte >= 0x80) continue
      if (shift < 49) return small
      const whole = BigInt.asIntN(64, value | BigInt(small))
      const number = Number(whole)
      return Number.isSafeInteger(number) ? number : whole
    }
    throw new MalformedError('a number is longer than 10 bytes')
  }

  /** A fixed64 as nanoseconds since 1970, in two parts: the sum would lose digits. */
  fixed64(end: number): { readonly low: number; readonly high: number } {
    const at = this.#take(8, end)
    return { low: this.#bytes.readUInt32LE(at), high: this.#bytes.readUInt32LE(at + 4) }
  }

  double(end: number): number {
    return this.#bytes.readDoubleLE(this.#take(8, end))
  }

  /** Where the length-delimited field that follows ends. */
  block(end: number): number {
    const first = this.#byte(end)
    if (first < 0x80) {
      if (first > end - this.at) throw new MalformedError('a field is longer than what holds it')
      return this.at + first
    }
    let length = first & 0x7f
    let shift = 7
    for (let byte = 0x80; byte >= 0x80; shift += 7) {
      if (shift >= 70) throw new MalformedError('a number is longer than 10 bytes')
      byte = this.#byte(end)
      length += (byte & 0x7f) * 2 ** shift
    }
    if (length > end - this.at) throw new MalformedError('a field is longer than what holds it')
    return this.at + length
  }

  hex(end: number): string {
    const to = this.block(end)
    // Ids are short; whatever is longer is no id.
    const text = this.#bytes.toString('hex', this.at, Math.min(to, this.at + 33))
    this.at = to
    return text
  }

  base64(end: number, mostBytes: number): string {
    const to = this.block(end)
    const upTo = Math.min(to, this.at + mostBytes)
    if (upTo < to) this.#notes.valuesCut++
    const text = this.#bytes.toString('base64', this.at, upTo)
    this.at = to
    return text
  }

  /** A text, of which at most `mostChars` are kept. */
  text(end: number, mostChars: number): string {
    const to = this.block(end)
    const from = this.at
    this.at = to
    // A character has at most four bytes: the one that is cut in two is beyond the limit.
    const upTo = Math.min(to, from + mostChars * 4 + 4)
    const text = TEXTS.read(this.#bytes, from, upTo)
    if (text.includes('\ufffd') && !isUtf8(this.#bytes.subarray(from, to))) this.#notes.notUtf8++
    if (text.length <= mostChars) return text
    this.#notes.valuesCut++
    return Buffer.from(text.slice(0, mostChars)).toString()
  }

  skip(tag: number, end: number, depth = 0): void {
    switch (tag & 7) {
      case 0:
        this.uint32(end)
        return
      case 1:
        this.#take(8, end)
        return
      case 2:
        this.at = this.block(end)
        return
      case 3: {
        if (depth >= MOST_GROUPS) throw new MalformedError('groups are nested too deep')
        const close = (tag & ~7) | 4
        for (let inner = this.tag(end); inner !== close >>> 0; inner = this.tag(end)) {
          this.skip(inner, end, depth + 1)
        }
        return
      }
      case 5:
        this.#take(4, end)
        return
      default:
        throw new MalformedError(`there is no wire type ${tag & 7} here`)
    }
  }

  #byte(end: number): number {
    if (this.at >= end) throw new MalformedError('the body ends within a field')
    return this.#bytes[this.at++]!
  }

  #take(count: number, end: number): number {
    const at = this.at
    if (end - at < count) throw new MalformedError('the body ends within a field')
    this.at = at + count
    return at
  }
}

/** Microseconds since 1970, of two halves in nanoseconds; exact to about a quarter of one. */
export const microsOf = ({ low, high }: { low: number; high: number }): number =>
  high * (TWO_32 / 1_000) + low / 1_000

/** Nanoseconds from one time to another. */
export const nanosBetween = (
  from: { low: number; high: number },
  to: { low: number; high: number },
): number => (to.high - from.high) * TWO_32 + (to.low - from.low)

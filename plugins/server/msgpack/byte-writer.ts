const SLAB_BYTES = 65_536
const SHORT_BYTES = 16

/**
 * Grows while MessagePack is written into it. What was written is handed out without being copied: the writer goes on
 * behind it, and takes new memory when the old is used up.
 */
export class ByteWriter {
  readonly #slabBytes: number
  #bytes: Buffer
  #start = 0
  #end = 0

  constructor(slabBytes = SLAB_BYTES) {
    this.#slabBytes = slabBytes
    this.#bytes = Buffer.allocUnsafeSlow(slabBytes)
  }

  /** Forgets what was written and not taken. */
  reset(): void {
    this.#end = this.#start
  }

  /** Cuts off what was written since the length was `length`. */
  truncate(length: number): void {
    this.#end = this.#start + length
  }

  get length(): number {
    return this.#end - this.#start
  }

  /** What was written; it is never written to again. */
  take(): Buffer {
    const taken = this.#bytes.subarray(this.#start, this.#end)
    this.#start = this.#end
    return taken
  }

  /** The same as a plain array of bytes, which is made in half the time that a Buffer takes. */
  takeBytes(): Uint8Array {
    const taken = new Uint8Array(this.#bytes.buffer, this.#start, this.#end - this.#start)
    this.#start = this.#end
    return taken
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#end++] = value
  }

  uint16(tag: number, value: number): void {
    this.#reserve(3)
    const bytes = this.#bytes
    bytes[this.#end] = tag
    bytes[this.#end + 1] = value >>> 8
    bytes[this.#end + 2] = value & 0xff
    this.#end += 3
  }

  uint32(tag: number, value: number): void {
    this.#reserve(5)
    const bytes = this.#bytes
    const at = this.#end
    bytes[at] = tag
    bytes[at + 1] = value >>> 24
    bytes[at + 2] = (value >>> 16) & 0xff
    bytes[at + 3] = (value >>> 8) & 0xff
    bytes[at + 4] = value & 0xff
    this.#end = at + 5
  }

  /** `value` is an integer of at most 53 bits, negative ones in two's complement. */
  int64(tag: number, value: number): void {
    this.#reserve(9)
    this.#bytes[this.#end] = tag
    this.#bytes.writeBigInt64BE(BigInt(value), this.#end + 1)
    this.#end += 9
  }

  float64(value: number): void {
    this.#reserve(9)
    this.#bytes[this.#end] = 0xcb
    this.#bytes.writeDoubleBE(value, this.#end + 1)
    this.#end += 9
  }

  raw(piece: Uint8Array): void {
    const { length } = piece
    this.#reserve(length)
    // Names of fields are shorter than what it costs to call `set`.
    if (length > SHORT_BYTES) this.#bytes.set(piece, this.#end)
    else for (let i = 0; i < length; i++) this.#bytes[this.#end + i] = piece[i]!
    this.#end += length
  }

  /** Writes `text` if it is ASCII, else nothing. @returns whether it was. */
  ascii(text: string): boolean {
    const { length } = text
    this.#reserve(length)
    const bytes = this.#bytes
    const start = this.#end
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[start + i] = code
    }
    this.#end = start + length
    return true
  }

  utf8(text: string, sizeBytes: number): void {
    this.#reserve(sizeBytes)
    this.#bytes.write(text, this.#end, 'utf8')
    this.#end += sizeBytes
  }

  #reserve(count: number): void {
    if (this.#end + count > this.#bytes.length) this.#renew(count)
  }

  #renew(count: number): void {
    const written = this.length
    const fresh = Buffer.allocUnsafeSlow(Math.max(this.#slabBytes, (written + count) * 2))
    this.#bytes.copy(fresh, 0, this.#start, this.#end)
    this.#bytes = fresh
    this.#start = 0
    this.#end = written
  }
}

import { ProtocolError } from './protocol-error.ts'

type Kind = 'content' | 'extension' | 'array' | 'map'

/**
 * Finds where a MessagePack value ends when it comes in many pieces, without building it and without looking at any
 * byte twice. Its state is a few numbers, whatever the value claims to hold.
 */
export class BoundaryScanner {
  readonly #maxBytes: number
  /** Values still to come, counted over all levels. */
  #values = 1
  /** Bytes of content still to pass over. */
  #content = 0
  /** Bytes of a length still to be read, and what was read of it. */
  #lengthBytes = 0
  #length = 0
  #kind: Kind = 'content'

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /**
   * Goes on with the next piece.
   * @returns where in `bytes` the value ends, or -1 when it does not end there.
   * @throws ProtocolError when it says that it is larger than allowed, or is no MessagePack.
   */
  scan(bytes: Buffer): number {
    let at = 0
    while (true) {
      if (this.#content > 0) {
        const here = Math.min(this.#content, bytes.length - at)
        this.#content -= here
        at += here
        if (this.#content > 0) return -1
      }
      while (this.#lengthBytes > 0) {
        if (at >= bytes.length) return -1
        this.#length = this.#length * 0x100 + bytes[at++]!
        if (--this.#lengthBytes === 0) this.#begin(this.#length)
      }
      if (this.#content > 0) continue
      if (this.#values === 0) return at
      if (at >= bytes.length) return -1
      this.#values--
      this.#tag(bytes[at++]!)
    }
  }

  #tag(tag: number): void {
    this.#kind = 'content'
    if (tag < 0x80 || tag >= 0xe0 || tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return
    if (tag < 0x90) this.#open('map', tag & 0x0f)
    else if (tag < 0xa0) this.#open('array', tag & 0x0f)
    else if (tag < 0xc0) this.#open('content', tag & 0x1f)
    else if (tag >= 0xc4 && tag <= 0xc6) this.#readLength('content', 1 << (tag - 0xc4))
    else if (tag >= 0xc7 && tag <= 0xc9) this.#readLength('extension', 1 << (tag - 0xc7))
    else if (tag === 0xca) this.#open('content', 4)
    else if (tag === 0xcb) this.#open('content', 8)
    else if (tag >= 0xcc && tag <= 0xcf) this.#open('content', 1 << (tag - 0xcc))
    else if (tag >= 0xd0 && tag <= 0xd3) this.#open('content', 1 << (tag - 0xd0))
    else if (tag >= 0xd4 && tag <= 0xd8) this.#open('extension', 1 << (tag - 0xd4))
    else if (tag >= 0xd9 && tag <= 0xdb) this.#readLength('content', 1 << (tag - 0xd9))
    else if (tag === 0xdc || tag === 0xdd) this.#readLength('array', 2 << (tag - 0xdc))
    else if (tag === 0xde || tag === 0xdf) this.#readLength('map', 2 << (tag - 0xde))
    else throw new ProtocolError('GARBAGE', `byte 0x${tag.toString(16)} starts no MessagePack value`)
  }

  #readLength(kind: Kind, bytes: number): void {
    this.#kind = kind
    this.#lengthBytes = bytes
    this.#length = 0
  }

  #open(kind: Kind, length: number): void {
    this.#kind = kind
    this.#begin(length)
  }

  #begin(length: number): void {
    if (this.#kind === 'array') this.#values += length
    else if (this.#kind === 'map') this.#values += length * 2
    else this.#content = length + (this.#kind === 'extension' ? 1 : 0)
    if (this.#values > this.#maxBytes || this.#content > this.#maxBytes) {
      throw new ProtocolError('TOO_LARGE', `a message says that it holds more than ${this.#maxBytes} bytes`)
    }
  }
}

/** Reads MessagePack, all of it that JSON could say plus binary; extension types are no part of Kong's protocol. */

/** What a message holds: strings and binary are byte strings, maps are objects, integers beyond 2^53 lose digits. */
export type Unpacked = null | boolean | number | string | Unpacked[] | { [key: string]: Unpacked }

export class MalformedMessage extends Error {}

/** The first value of `data` and how many bytes it took; undefined when there is not all of it yet. */
export function unpack(data: Buffer): { readonly value: Unpacked; readonly used: number } | undefined {
  const reader = new Reader(data)
  try {
    const value = reader.value(0)
    return { value, used: reader.position }
  } catch (error) {
    if (error === INCOMPLETE) return undefined
    throw error
  }
}

const INCOMPLETE = new Error('incomplete')
const MAX_DEPTH = 200

class Reader {
  position = 0
  readonly #data: Buffer

  constructor(data: Buffer) {
    this.#data = data
  }

  value(depth: number): Unpacked {
    if (depth > MAX_DEPTH) throw new MalformedMessage('nested too deeply')
    const mark = this.#uint(1)
    if (mark <= 0x7f) return mark
    if (mark >= 0xe0) return mark - 0x100
    if (mark <= 0x8f) return this.#map(mark & 0x0f, depth)
    if (mark <= 0x9f) return this.#list(mark & 0x0f, depth)
    if (mark <= 0xbf) return this.#text(mark & 0x1f)
    switch (mark) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xd9:
        return this.#text(this.#uint(1))
      case 0xc5:
      case 0xda:
        return this.#text(this.#uint(2))
      case 0xc6:
      case 0xdb:
        return this.#text(this.#uint(4))
      case 0xca:
        return this.#data.readFloatBE(this.#take(4))
      case 0xcb:
        return this.#data.readDoubleBE(this.#take(8))
      case 0xcc:
        return this.#uint(1)
      case 0xcd:
        return this.#uint(2)
      case 0xce:
        return this.#uint(4)
      case 0xcf:
        return Number(this.#data.readBigUInt64BE(this.#take(8)))
      case 0xd0:
        return this.#data.readInt8(this.#take(1))
      case 0xd1:
        return this.#data.readInt16BE(this.#take(2))
      case 0xd2:
        return this.#data.readInt32BE(this.#take(4))
      case 0xd3:
        return Number(this.#data.readBigInt64BE(this.#take(8)))
      case 0xdc:
        return this.#list(this.#uint(2), depth)
      case 0xdd:
        return this.#list(this.#uint(4), depth)
      case 0xde:
        return this.#map(this.#uint(2), depth)
      case 0xdf:
        return this.#map(this.#uint(4), depth)
      default:
        throw new MalformedMessage(`no MessagePack: byte 0x${mark.toString(16)}`)
    }
  }

  #list(length: number, depth: number): Unpacked[] {
    const list: Unpacked[] = []
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1))
    return list
  }

  #map(length: number, depth: number): { [key: string]: Unpacked } {
    const map: { [key: string]: Unpacked } = Object.create(null)
    for (let i = 0; i < length; i++) {
      const key = this.value(depth + 1)
      map[String(key)] = this.value(depth + 1)
    }
    return map
  }

  #text(length: number): string {
    const start = this.#take(length)
    return this.#data.toString('latin1', start, start + length)
  }

  #uint(bytes: number): number {
    return this.#data.readUIntBE(this.#take(bytes), bytes)
  }

  /** Where the next `bytes` bytes start. */
  #take(bytes: number): number {
    const start = this.position
    if (start + bytes > this.#data.length) throw INCOMPLETE
    this.position = start + bytes
    return start
  }
}

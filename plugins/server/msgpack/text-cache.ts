const SLOTS = 1_024
const MAX_LENGTH = 40

/**
 * Remembers short texts by their bytes. The names of methods, fields and headers come again and again: finding one is
 * cheaper than making the string anew and having the engine look it up as a name of a property.
 */
export class TextCache {
  readonly #texts: (string | undefined)[] = new Array(SLOTS)

  /** The text of `bytes` from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): string {
    const length = end - start
    if (length > MAX_LENGTH) return bytes.toString('utf8', start, end)
    let hash = length
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1)
    const known = this.#texts[slot]
    if (known !== undefined && isSame(known, bytes, start, length)) return known
    const text = bytes.toString('utf8', start, end)
    this.#texts[slot] = text
    return text
  }
}

/** False for anything but ASCII: such a text is made anew. */
function isSame(text: string, bytes: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!
    if (byte > 0x7f || text.charCodeAt(i) !== byte) return false
  }
  return true
}

const SLOTS = 4_096
const MAX_LENGTH = 40

interface Known {
  readonly bytes: Uint8Array
  readonly text: string
}

/**
 * Remembers short texts by their bytes. The names of methods, fields and headers come again and again, and most values
 * of headers: finding one is cheaper than making the string anew and having the engine look it up as a name of a
 * property. A text takes the place of another one in its slot, so that there are never more than slots.
 */
export class TextCache {
  readonly #known: (Known | undefined)[] = new Array(SLOTS)

  /** The text of `bytes` from `start` to `end`. */
  read(bytes: Buffer, start: number, end: number): string {
    if (end - start > MAX_LENGTH) return bytes.toString('utf8', start, end)
    const slot = slotOf(bytes, start, end)
    const known = this.#known[slot]
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) return known.text
    const text = bytes.toString('utf8', start, end)
    this.#known[slot] = { bytes: new Uint8Array(bytes.subarray(start, end)), text }
    return text
  }
}

/**
 * By the length and a few bytes: to look at all of them would take as long as to compare them. Of these no two of the
 * headers that are usual are alike, `x-forwarded-host` and `x-forwarded-port` among them.
 */
function slotOf(bytes: Buffer, start: number, end: number): number {
  const length = end - start
  if (length < 2) return length === 0 ? 0 : bytes[start]!
  const quarter = length >> 2
  let hash = length * 31 + bytes[start + quarter]!
  hash = hash * 31 + bytes[start + (length >> 1)]!
  hash = hash * 31 + bytes[end - 1 - quarter]!
  hash = hash * 31 + bytes[end - 2]!
  hash = hash * 31 + bytes[end - 1]!
  return (hash ^ (hash >>> 12)) & (SLOTS - 1)
}

function isSame(known: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  const { length } = known
  if (length !== end - start) return false
  for (let i = 0; i < length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}

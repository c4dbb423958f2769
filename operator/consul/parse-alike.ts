// JSON that is read again and again and hardly differs from one time to the next, such as a listing of the catalog. What
// is the same as in the text before is not parsed again: comparing bytes costs a tenth of that, and leaves no garbage.

/** A text and what it says, to parse the next one by. */
export interface Parsed {
  /** What JSON.parse makes of it; parts that have not changed are the same objects as before. */
  readonly value: unknown
  readonly text: Buffer
  /** Elements of the lists of each object, list by list in the order of the text. */
  readonly lists: readonly (readonly Part[])[]
}

/** Bytes of the text from `start` to before `end`, and what they say. */
interface Part {
  readonly start: number
  readonly end: number
  readonly value: unknown
}

/**
 * Made for a list of objects that have lists of objects; anything else is parsed as a whole.
 * @throws SyntaxError when it is no JSON
 */
export function parseAlike(text: Buffer, before: Parsed | null): Parsed {
  return new Walk(text, before).objects() ?? { value: JSON.parse(text.toString()), text, lists: [] }
}

/** Elements that came or went shift the others: where to look for one, from where it would be if none had. */
const SHIFTS = [0, 1, -1, 2, -2, 3, -3]

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
const [LIST, LIST_END, OBJECT, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d]

/** One way through a text; `null` and -1 stand for a text of another form. */
class Walk {
  readonly #text: Buffer
  readonly #before: Parsed | null
  readonly #lists: Part[][] = []
  #at = 0

  constructor(text: Buffer, before: Parsed | null) {
    this.#text = text
    this.#before = before
  }

  objects(): Parsed | null {
    const value = this.#sequence(LIST, LIST_END, () => this.#object())
    this.#skipSpace()
    const isWhole = value !== null && this.#at === this.#text.length
    return isWhole ? { value, text: this.#text, lists: this.#lists } : null
  }

  #object(): object | null {
    const members = this.#sequence(OBJECT, OBJECT_END, () => this.#member())
    // Not by assignment: `__proto__` is a name like any other.
    return members === null ? null : Object.fromEntries(members)
  }

  #member(): readonly [string, unknown] | null {
    if (this.#text[this.#at] !== QUOTE) return null
    const name = this.#part()
    this.#skipSpace()
    if (name === null || this.#text[this.#at] !== COLON) return null
    this.#at += 1
    this.#skipSpace()
    if (this.#text[this.#at] === LIST) {
      const list = this.#list()
      return list === null ? null : [name.value as string, list]
    }
    const value = this.#part()
    return value === null ? null : [name.value as string, value.value]
  }

  #list(): readonly unknown[] | null {
    const known = this.#before?.lists[this.#lists.length] ?? []
    const parts: Part[] = []
    this.#lists.push(parts)
    let next = 0
    return this.#sequence(LIST, LIST_END, () => {
      const found = this.#find(known, next)
      next = (found ?? next) + 1
      const part = found === null ? this.#part() : this.#same(known[found]!)
      if (part === null) return null
      parts.push(part)
      return part.value as object
    })
  }

  /** Which of the known ones is here, near `next`? Only objects and lists: they end where they end. */
  #find(known: readonly Part[], next: number): number | null {
    const opening = this.#text[this.#at]
    if (opening !== OBJECT && opening !== LIST) return null
    for (const shift of SHIFTS) {
      const part = known[next + shift]
      if (part === undefined) continue
      const end = this.#at + part.end - part.start
      if (end > this.#text.length) continue
      if (this.#before!.text.compare(this.#text, this.#at, end, part.start, part.end) === 0)
        return next + shift
    }
    return null
  }

  #same({ start, end, value }: Part): Part {
    const at = this.#at
    this.#at += end - start
    return { start: at, end: this.#at, value }
  }

  #part(): Part | null {
    const start = this.#at
    const end = endOf(this.#text, start)
    if (end === -1) return null
    this.#at = end
    return { start, end, value: JSON.parse(this.#text.toString('utf8', start, end)) }
  }

  /** Elements between brackets, with commas between them. */
  #sequence<T extends object>(opening: number, closing: number, element: () => T | null): T[] | null {
    const found: T[] = []
    this.#skipSpace()
    if (this.#text[this.#at] !== opening) return null
    this.#at += 1
    this.#skipSpace()
    if (this.#text[this.#at] === closing) {
      this.#at += 1
      return found
    }
    for (;;) {
      this.#skipSpace()
      const each = element()
      if (each === null) return null
      found.push(each)
      this.#skipSpace()
      const byte = this.#text[this.#at]
      this.#at += 1
      if (byte === closing) return found
      if (byte !== COMMA) return null
    }
  }

  #skipSpace(): void {
    while (isSpace(this.#text[this.#at])) this.#at += 1
  }
}

/** Where the value that starts there ends; -1 where nothing does. What lies between is for JSON.parse to judge. */
function endOf(text: Buffer, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const byte = text[at]!
    if (byte === QUOTE) {
      at = endOfString(text, at)
      if (at === -1) return -1
      if (depth === 0) return at + 1
    } else if (byte === OBJECT || byte === LIST) depth += 1
    else if (byte === OBJECT_END || byte === LIST_END) {
      if (depth === 0) return at > start ? at : -1
      depth -= 1
      if (depth === 0) return at + 1
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at > start ? at : -1
  }
  return depth === 0 && start < text.length ? text.length : -1
}

function endOfString(text: Buffer, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const byte = text[at]!
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) at += 1
  }
  return -1
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

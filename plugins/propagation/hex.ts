/** Whether text[from, to) is lower-case hex; an end beyond the text is not. */
export function isLowerHex(text: string, from = 0, to = text.length): boolean {
  for (let i = from; i < to; i++) {
    const code = text.charCodeAt(i)
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false
  }
  return to > from
}

/** Lower-case form of a text of hex digits in either case, null for anything else. */
export function toLowerHex(text: string): string | null {
  const lower = text.toLowerCase()
  return isLowerHex(lower) && lower.length === text.length ? lower : null
}

/** Whether an id is all zeros, which every format but W3C's leaves unsaid and none can mean. */
export function isZero(text: string, from = 0, to = text.length): boolean {
  for (let i = from; i < to; i++) if (text.charCodeAt(i) !== 0x30) return false
  return true
}

/** An id of exactly one of `lengths` hex digits in either case, in lower case; null if it is none or all zeros. */
export function hexId(text: string, ...lengths: readonly number[]): string | null {
  if (!lengths.includes(text.length)) return null
  const lower = toLowerHex(text)
  return lower === null || isZero(lower) ? null : lower
}

/** No number of 128 bits has more digits; it also bounds what the conversion costs. */
const MAX_DIGITS = 39

/** A decimal number of up to 128 bits, null for anything else. */
export function parseDecimal(text: string): bigint | null {
  if (text.length === 0 || text.length > MAX_DIGITS) return null
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x30 || code > 0x39) return null
  }
  const value = BigInt(text)
  return value >> 128n === 0n ? value : null
}

/** A span id from a number: its low 64 bits, as Kong takes them; null for 0, which stands for "no parent". */
export function spanIdOf(value: bigint): string | null {
  const low = BigInt.asUintN(64, value)
  return low === 0n ? null : low.toString(16).padStart(16, '0')
}

/** The last 64 bits of a hex id as a decimal number. */
export const lowDecimal = (hexId: string): string => BigInt(`0x${hexId.slice(-16)}`).toString()

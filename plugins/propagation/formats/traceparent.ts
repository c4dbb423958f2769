import { isLowerHex, isZero } from '../hex.ts'

export interface Traceparent {
  readonly traceId: string
  readonly parentId: string
  readonly sampled: boolean
  readonly isRandom: boolean
}

const SAMPLED = 1
const RANDOM = 2
const LENGTH = 55 // 2 + 1 + 32 + 1 + 16 + 1 + 2
const DASH = 0x2d

/**
 * A traceparent without white space around it, by W3C Trace Context level 2, or null. Later versions than 00 may go on
 * after the flags with a dash; flags that are not known are not read.
 */
export function parseTraceparent(text: string): Traceparent | null {
  if (text.length < LENGTH) return null
  if (text.charCodeAt(2) !== DASH || text.charCodeAt(35) !== DASH || text.charCodeAt(52) !== DASH) return null
  if (!isLowerHex(text, 0, 2) || text.startsWith('ff')) return null
  if (text.length > LENGTH && (text.startsWith('00') || text.charCodeAt(LENGTH) !== DASH)) return null
  if (!isLowerHex(text, 3, 35) || isZero(text, 3, 35)) return null
  if (!isLowerHex(text, 36, 52) || isZero(text, 36, 52)) return null
  if (!isLowerHex(text, 53, LENGTH)) return null
  const flags = Number.parseInt(text.slice(53, LENGTH), 16)
  return {
    traceId: text.slice(3, 35),
    parentId: text.slice(36, 52),
    sampled: (flags & SAMPLED) !== 0,
    isRandom: (flags & RANDOM) !== 0,
  }
}

/** A traceparent of version 00; flags that the specification does not know are zero. */
export function formatTraceparent({ traceId, parentId, sampled, isRandom }: Traceparent): string {
  const flags = sampled ? (isRandom ? '03' : '01') : isRandom ? '02' : '00'
  return `00-${traceId}-${parentId}-${flags}`
}

import { toLowerHex } from '../hex.ts'

/** What either form of B3 says. */
export interface B3Fields {
  readonly traceId: string | null
  readonly traceIdBytes: number
  readonly parentSpanId: string | null
  readonly sampled: boolean | null
  readonly isDebug: boolean
}

export const NO_B3_IDS = { traceId: null, traceIdBytes: 0, parentSpanId: null } as const

/** Whether a text can be the parent of the caller's span. It is not used, so zeros, which some send at the root, do. */
export const isParent = (text: string): boolean => text.length === 16 && toLowerHex(text) !== null

/** Old tracers wrote words. Null for anything else: then it is as if nothing was said. */
export function decision(text: string | undefined): boolean | null {
  if (text === '1' || text === 'true') return true
  return text === '0' || text === 'false' ? false : null
}

import { z } from 'zod'
import { hostAndPort, isAddress, isLoopback } from './check-kind.ts'

/** Who holds the lock, as written into its key. */
export interface Holder {
  /** The operator's id. */
  readonly id: string
  /** Where its HTTP API is reached (host:port or a URL); null where nobody else reaches it. */
  readonly address: string | null
  /** Name of its machine: a loopback address means something only there. */
  readonly host: string
  /** How long it may still believe in its leadership after the lock was taken from it, in ms. */
  readonly graceMs: number
}

export interface LockValue extends Holder {
  /** When it got the lock, ISO 8601. */
  readonly since: string
  /** Holders before it that it does not yet know to have stopped writing. */
  readonly after: readonly Holder[]
  /** True once it gave the lock back on purpose, after its last write. */
  readonly released: boolean
}

/** The text of the lock's key. */
export function formatLockValue({ id, address, host, since, graceMs, after, released }: LockValue): string {
  return JSON.stringify({
    id,
    address,
    host,
    since,
    graceMs,
    ...(after.length === 0 ? {} : { after }),
    ...(released ? { released } : {}),
  })
}

/**
 * Reads the text of the lock's key.
 * @param unknownGraceMs what holds for a holder that does not say how long it may go on
 * @returns null where there is no text; a text nobody of ours wrote is a holder without name and address.
 */
export function parseLockValue(text: string, unknownGraceMs: number): LockValue | null {
  if (text === '') return null
  const graceMs = z.number().min(0).max(600_000).catch(unknownGraceMs)
  const holder = {
    id: z.string(),
    address: z.string().refine(isAddress).nullable().catch(null),
    host: z.string().catch(''),
    graceMs,
  }
  const shape = z.object({
    ...holder,
    since: z.string().catch(''),
    after: z.array(z.object(holder)).catch([]),
    released: z.boolean().catch(false),
  })
  const parsed = shape.safeParse(json(text))
  if (parsed.success) return parsed.data
  return { ...unknownHolder(unknownGraceMs), since: '', after: [], released: false }
}

/** A holder of whom nothing is known but that it held the lock. */
export function unknownHolder(graceMs: number): Holder {
  return { id: '', address: null, host: '', graceMs }
}

/**
 * True when `holder` is this operator itself or an earlier process of it: same id, or an address on which this
 * process listens now. Such a process writes no more.
 */
export function isSameOperator(holder: Holder, self: Holder): boolean {
  const address = addressSeenFrom(self.host, holder)
  return holder.id === self.id || (address !== null && address === self.address)
}

/**
 * Those who may still write though the lock is free again, by what its last holder left in the key; with addresses
 * as `self` can use them.
 */
export function predecessorsIn(value: LockValue | null, self: Holder): readonly Holder[] {
  if (value === null) return []
  const { id, address, host, graceMs } = value
  const last = value.released ? [] : [{ id, address, host, graceMs }]
  return [...last, ...value.after]
    .filter((holder) => holder.graceMs > 0 && !isSameOperator(holder, self))
    .map((holder) => ({ ...holder, address: addressSeenFrom(self.host, holder) }))
}

function addressSeenFrom(host: string, holder: Holder): string | null {
  if (holder.address === null) return null
  return holder.host !== host && isLoopback(hostAndPort(holder.address).host) ? null : holder.address
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // somebody else's text: handled as an unknown holder
  }
}

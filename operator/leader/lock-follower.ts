import { backoffMs } from '../consul/backoff.ts'
import { RetryPace } from '../consul/retry-pace.ts'
import { isSessionGone, type LockRow } from './consul-lock.ts'
import { isLasting } from './lasting-failure.ts'
import { lockStep } from './lease.ts'
import { type Holder, isSameOperator, type LockValue, parseLockValue, predecessorsIn } from './lock-value.ts'
import { now, pause, type Seat } from './seat.ts'
import { LEASE_TIMING, RETRY, WATCH_WAIT_MS } from './timing.ts'

export interface LockFollowerOptions {
  readonly seat: Seat
  readonly self: Holder
  /** Text to lock the key with, while these may still write. */
  readonly value: (after: readonly Holder[]) => string
  /** Called when the lock cannot be read. */
  readonly onFailure: (error: Error) => void
}

/** Follows the lock with one blocking query, and takes it when it is free, until the seat is left. */
export class LockFollower {
  readonly #options: LockFollowerOptions
  #reread = new AbortController()
  #index = 0n
  readonly #failures = new RetryPace(RETRY)
  #refusals = 0
  #met = false
  /** Session with which the lock was asked for last. */
  #asked: string | null = null
  #holder: LockValue | null = null
  #failingSince: number | null = null
  #failed = 0
  #trouble: string | null = null

  constructor(options: LockFollowerOptions) {
    this.#options = options
  }

  /** Who holds the lock, as last read; null also when Consul has not answered for as long as a session lives. */
  get holder(): LockValue | null {
    const lost = this.#failingSince !== null && now() - this.#failingSince > LEASE_TIMING.ttlMs
    return lost ? null : this.#holder
  }

  /** Why the lock cannot be read or taken; null while it can. */
  get trouble(): string | null {
    return this.#trouble
  }

  /** Makes the watch ask anew at once; ends it when the seat is left. */
  rereadLock(): void {
    this.#reread.abort()
  }

  async run(): Promise<void> {
    const { seat } = this.#options
    while (!seat.leaving.aborted) {
      if (this.#reread.signal.aborted) {
        this.#reread = new AbortController()
        this.#index = 0n
      }
      const { signal } = this.#reread
      const step = lockStep(seat.state())
      try {
        if (step.step === 'acquire') await this.#acquire(step.session, step.predecessors)
        else await this.#read(step.blocking, signal)
      } catch (error) {
        if (signal.aborted && step.step === 'read') continue
        this.#index = 0n
        if (step.step === 'acquire' && isSessionGone(error)) {
          seat.dispatch({ type: 'sessionLost', id: step.session })
          continue
        }
        this.#failingSince ??= now()
        if (isLasting(error, this.#failed)) this.#trouble = (error as Error).message
        this.#failed += 1
        this.#options.onFailure(error as Error)
        const pauseMs = this.#failures.afterFailure(error as Error, Math.random())
        // A session that was opened meanwhile shows that Consul is back. What asked before this failure is done with it.
        this.#reread = new AbortController()
        await pause(pauseMs, AbortSignal.any([this.#reread.signal, seat.leaving]))
      }
    }
  }

  async #acquire(session: string, predecessors: readonly Holder[]): Promise<void> {
    const { seat, value } = this.#options
    this.#index = 0n
    this.#asked = session
    seat.dispatch({ type: 'acquireSent' })
    const isTaken = await seat.lock.acquire(session, value(predecessors))
    this.#works()
    if (isTaken) return
    // Somebody was quicker, or a lock delay (not of ours) holds: the latter must not become a busy loop.
    if (this.#refusals > 0) await pause(backoffMs(this.#refusals, RETRY, Math.random()), seat.leaving)
    this.#refusals += 1
  }

  #works(): void {
    this.#failed = 0
    this.#trouble = null
  }

  async #read(blocking: boolean, signal: AbortSignal): Promise<void> {
    const { seat, self } = this.#options
    const sentAt = now()
    const index = blocking ? this.#index : 0n
    const row = await seat.lock.read({
      index,
      waitMs: WATCH_WAIT_MS,
      signal,
    })
    this.#failures.reset()
    this.#failingSince = null
    // An index that went backwards is of another Consul: nothing known before counts.
    this.#index = row.index < index ? 0n : row.index
    const value = parseLockValue(row.value, LEASE_TIMING.unknownGraceMs)
    this.#holder = row.heldBy === null ? null : value
    if (await this.#buriedEarlierSelf(row, value)) return
    const { heldBy, lockIndex } = row
    // That it can be read says nothing of taking it, until somebody has it.
    if (heldBy !== null || this.#asked === null) this.#works()
    if (heldBy !== null) this.#refusals = 0
    const predecessors = predecessorsIn(value, self)
    seat.dispatch({ type: 'lockRead', sentAt, now: now(), heldBy, lockIndex, predecessors })
    if (row.index === 0n) await pause(RETRY.maxMs, seat.leaving)
  }

  /**
   * Our own old session would hold the lock until its TTL, since nobody else ends it: that of a process before this one, and
   * one that Consul did not find when it was renewed, but has all the same. Servers that come back do that until they have
   * read their log.
   */
  async #buriedEarlierSelf({ heldBy }: LockRow, value: LockValue | null): Promise<boolean> {
    const { seat, self } = this.#options
    const first = !this.#met
    this.#met = true
    if (heldBy === null || heldBy === seat.state().session?.id) return false
    const isOfProcessBefore = first && value !== null && isSameOperator(value, self)
    if (!isOfProcessBefore && heldBy !== this.#asked) return false
    this.#asked = null // once: whatever becomes of it
    seat.log.info('ending an earlier session of this operator', { id: self.id, session: heldBy })
    this.#index = 0n
    await seat.lock.destroy(heldBy)
    return true
  }
}

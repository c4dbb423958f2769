import { RetryPace } from '../consul/retry-pace.ts'
import { type CheckKind, isUnreachable } from './check-kind.ts'
import type { Registration } from './consul-lock.ts'
import { isLasting, NO_NEWS } from './lasting-failure.ts'
import { sessionStep } from './lease.ts'
import { now, pause, type Seat } from './seat.ts'
import { LEASE_TIMING, PASS_EVERY_MS, RETRY, UNREACHABLE_AFTER_MS } from './timing.ts'

/** Keeps this operator registered and a session open and renewed, until the seat is left. */
export class SessionKeeper {
  readonly #seat: Seat
  readonly #registration: Omit<Registration, 'check' | 'checkTtlMs'>
  #check: CheckKind
  #registered = false
  #criticalSince: number | null = null
  #failing = false
  #trouble: string | null = null
  #wake = new AbortController()

  constructor(seat: Seat, registration: Omit<Registration, 'checkTtlMs'>) {
    this.#seat = seat
    this.#registration = registration
    this.#check = registration.check
  }

  get check(): CheckKind {
    return this.#check
  }

  get registered(): boolean {
    return this.#registered
  }

  /** Why there is no session to be had; null while there is, or may be in a moment. */
  get trouble(): string | null {
    return this.#trouble
  }

  async run(): Promise<void> {
    await Promise.all([this.#keep(), this.#report()])
  }

  /** To be called when the session was lost, or the seat is left: ends the wait for the next renewal. */
  wake(): void {
    this.#wake.abort()
  }

  async #keep(): Promise<void> {
    const { leaving, log } = this.#seat
    const pace = new RetryPace(RETRY)
    let attempt = 0
    while (!leaving.aborted) {
      if (this.#wake.signal.aborted) this.#wake = new AbortController()
      const step = sessionStep(this.#seat.state(), now(), LEASE_TIMING)
      if (step.step === 'wait') {
        await pause(step.until - now(), this.#wake.signal)
        continue
      }
      const wasRegistered = this.#registered
      try {
        if (step.step === 'open') await this.#open()
        else await this.#renew(step.id)
        if (this.#failing) log.info('the session of the election works again')
        this.#failing = false
        this.#trouble = null
        attempt = 0
        pace.reset()
      } catch (error) {
        if (isLasting(error, attempt)) this.#trouble = (error as Error).message
        if (!this.#failing && attempt === NO_NEWS) {
          this.#failing = true
          log.warn('no session for the election', { reason: (error as Error).message })
        }
        // What keeps us from the session keeps us from the lock: a watch on a dead connection would hang.
        this.#seat.rereadLock()
        // A Consul that has forgotten us is there: what it lacks is a registration.
        if (wasRegistered && !this.#registered) pace.reset()
        await pause(pace.afterFailure(error as Error, Math.random()), leaving)
        attempt += 1
      }
    }
  }

  async #open(): Promise<void> {
    const { lock } = this.#seat
    const { checkTtlMs, ttlMs } = LEASE_TIMING
    if (!this.#registered) {
      await lock.register({ ...this.#registration, check: this.#check, checkTtlMs })
      this.#registered = true
    }
    try {
      const passedAt = this.#check === 'ttl' ? now() : null
      if (passedAt !== null) await lock.pass(PASS_EVERY_MS)
      const renewedAt = now()
      const id = await lock.openSession(ttlMs)
      this.#criticalSince = null
      this.#seat.dispatch({ type: 'sessionOpened', id, renewedAt, passedAt })
    } catch (error) {
      await this.#examineCheck()
      throw error
    }
  }

  async #renew(id: string): Promise<void> {
    const sentAt = now()
    const renewed = await this.#seat.lock.renew(id)
    this.#seat.dispatch(renewed ? { type: 'renewed', id, sentAt } : { type: 'sessionLost', id })
  }

  /** Why is there no session to be had? The agent may have forgotten us, or not reach our address. */
  async #examineCheck(): Promise<void> {
    const check = await this.#seat.lock.readCheck()
    if (check === null) this.#registered = false
    if (check === null || this.#check === 'ttl' || !isUnreachable(check)) return
    this.#criticalSince ??= now()
    if (now() - this.#criticalSince < UNREACHABLE_AFTER_MS) return
    const { advertise } = this.#registration
    const output = check.output.slice(0, 200)
    this.#seat.log.warn('Consul does not reach operator.advertise: reporting health to it', {
      advertise,
      output,
    })
    this.#check = 'ttl'
    this.#registered = false
    // A check that is registered under the same id as another kind leaves the old one running: the two would take turns.
    await this.#seat.lock.deregister()
  }

  /** Reports the TTL check, where Consul does not ask us. */
  async #report(): Promise<void> {
    const { lock, leaving, log } = this.#seat
    while (!leaving.aborted) {
      const sentAt = now()
      if (this.#check === 'ttl' && this.#seat.state().session !== null) {
        try {
          await lock.pass(PASS_EVERY_MS)
          this.#seat.dispatch({ type: 'passed', sentAt, now: now() })
        } catch (error) {
          log.debug('reporting health failed', { reason: (error as Error).message })
        }
      }
      await pause(Math.max(PASS_EVERY_MS / 5, PASS_EVERY_MS - (now() - sentAt)), leaving)
    }
  }
}

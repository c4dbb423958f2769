// One operator of several leads: this is the part that talks to Consul. What may be done when is decided in
// lease.ts, the folder's README says why that is safe. Start reading at startElection. May import operator/consul
// and operator/telemetry.
import { hostname } from 'node:os'
import { OPERATOR_SERVICE } from '../core/exposure.ts'
import type { ConsulConfig } from '../sync/operator-config.ts'
import type { Logger } from '../telemetry/logger.ts'
import { answerSuccessor } from './ask-predecessor.ts'
import { checkKind } from './check-kind.ts'
import { createConsulLock } from './consul-lock.ts'
import { afterEvent, type LeaseEvent, type LeaseState, lockStep, mayWrite, startingLease } from './lease.ts'
import { LockFollower } from './lock-follower.ts'
import { formatLockValue, type Holder } from './lock-value.ts'
import { PauseDetector } from './pause-detector.ts'
import { now, type Seat } from './seat.ts'
import { SessionKeeper } from './session-keeper.ts'
import { settleTakeover } from './settle-takeover.ts'
import { LEASE_TIMING, LOOK_EVERY_MS, PAUSE_LIMIT_MS } from './timing.ts'
import { leaderKey } from './who-leads.ts'
import { whyNotLeading } from './why-not-leading.ts'

export interface ElectionOptions {
  readonly consul: ConsulConfig
  readonly mesh: string
  /** Unique among the operators of a mesh, and the same after a restart. */
  readonly operatorId: string
  /** host:port or URL of our HTTP API as Consul and the other operators reach it; null: nobody does. */
  readonly advertise: string | null
  readonly version: string
  readonly log: Logger
  readonly hooks?: ElectionHooks
}

/** For metrics. */
export interface ElectionHooks {
  readonly leading?: (leading: boolean) => void
  /** Before each request to Consul. */
  readonly request?: (endpoint: string) => void
  /** After each that failed. */
  readonly error?: (endpoint: string) => void
}

type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

export interface Leader {
  readonly id: string
  readonly address: string | null
}

export interface Election {
  /** Whether a write may be sent now; ask right before each one, in the same turn of the event loop. */
  isLeader(): boolean
  /** Who holds the lock, as last read; null when nobody does or Consul has not answered for 10 s. */
  leader(): Leader | null
  /** Whether another operator holds the lock: there is nothing for this one to do but to follow. */
  isStandby(): boolean
  /** What keeps this operator from taking part, in words of Consul's refusal; null while nothing does. */
  trouble(): string | null
  /** Called after isLeader() or leader() changed. @returns a function that takes the listener away */
  onChange(listener: (leading: boolean) => void): () => void
  /** Headers for the answer of /healthz to a request with these: a successor asks there whether we have stopped. */
  healthHeaders(requestHeaders: RequestHeaders): Readonly<Record<string, string>>
  /** Gives the lock back and leaves the catalog. Call it after the last write has been answered. */
  stop(): Promise<void>
}

/** Takes part in the election of a mesh's leader until `stop`. Never throws: without Consul nobody leads. */
export function startElection(options: ElectionOptions): Election {
  const participant = new Participant(options)
  participant.start()
  return participant
}

class Participant implements Election {
  readonly #options: ElectionOptions
  readonly #seat: Seat
  readonly #follower: LockFollower
  readonly #keeper: SessionKeeper
  readonly #pauses: PauseDetector
  readonly #leaving = new AbortController()
  readonly #listeners = new Set<(leading: boolean) => void>()
  readonly #self: Holder
  readonly #since = { iso: '' }
  #state: LeaseState = startingLease
  #leading = false
  #doubtedFor = ''
  #leaderId: string | null = null
  #timer: NodeJS.Timeout | null = null
  #loops: Promise<unknown> = Promise.resolve()

  constructor(options: ElectionOptions) {
    const { consul, operatorId, advertise, mesh, version, log, hooks } = options
    const check = checkKind(advertise, consul.url)
    this.#options = options
    this.#self = {
      id: operatorId,
      address: check === 'http' ? advertise : null,
      host: hostname(),
      graceMs: LEASE_TIMING.unknownGraceMs,
    }
    const serviceId = `${OPERATOR_SERVICE}-${mesh}-${operatorId}`
    const onRequest = (endpoint: string, failed: boolean) =>
      failed ? hooks?.error?.(endpoint) : hooks?.request?.(endpoint)
    this.#seat = {
      lock: createConsulLock(consul, { key: leaderKey(mesh), serviceId }, onRequest),
      log,
      leaving: this.#leaving.signal,
      state: () => this.#state,
      dispatch: (event) => this.#dispatch(event),
      rereadLock: () => this.#follower.rereadLock(),
    }
    this.#keeper = new SessionKeeper(this.#seat, { advertise, check, meta: { mesh, version } })
    this.#follower = new LockFollower({
      seat: this.#seat,
      self: this.#self,
      value: (after) => this.#valueOnTaking(after),
      onFailure: (error) => this.#doubt(`the lock cannot be read: ${error.message}`),
    })
    this.#pauses = new PauseDetector({
      limitMs: PAUSE_LIMIT_MS,
      now,
      wallNow: Date.now,
      onPause: (pausedMs) => this.#doubt(describePause(pausedMs)),
    })
  }

  start(): void {
    this.#timer = setInterval(() => this.#publish(), LOOK_EVERY_MS)
    this.#loops = Promise.all([this.#keeper.run(), this.#follower.run()])
  }

  isLeader(): boolean {
    this.#pauses.look()
    return !this.#leaving.signal.aborted && mayWrite(this.#state, now(), LEASE_TIMING)
  }

  leader(): Leader | null {
    const { holder } = this.#follower
    return holder === null ? null : { id: holder.id, address: holder.address }
  }

  isStandby(): boolean {
    const { holder } = this.#follower
    return holder !== null && holder.id !== this.#self.id
  }

  trouble(): string | null {
    return this.#keeper.trouble ?? this.#follower.trouble
  }

  onChange(listener: (leading: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  healthHeaders(requestHeaders: RequestHeaders): Readonly<Record<string, string>> {
    return answerSuccessor(requestHeaders, () => this.#doubt('a successor asks'))
  }

  async stop(): Promise<void> {
    if (this.#leaving.signal.aborted) return
    this.#leaving.abort()
    this.#keeper.wake()
    this.#follower.rereadLock()
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#publish()
    await this.#loops
    const { lock, log } = this.#seat
    const state = this.#state
    const attempt = (what: string, call: Promise<unknown>) =>
      call.catch((error: Error) => log.warn('leaving the election failed', { what, reason: error.message }))
    if (state.session !== null) {
      if (state.at !== 'follower') {
        const after = state.at === 'leader' ? state.waitsFor : state.free.predecessors
        await attempt('release', lock.release(state.session.id, this.#value(after, true)))
      }
      await attempt('session', lock.destroy(state.session.id))
    }
    if (this.#keeper.registered) await attempt('service', lock.deregister())
    this.#state = startingLease
    lock.close()
  }

  #dispatch(event: LeaseEvent): void {
    const before = this.#state
    this.#state = afterEvent(before, event, LEASE_TIMING)
    if (this.#state === before) return
    if (before.session !== null && this.#state.session === null) {
      this.#keeper.wake()
      this.#follower.rereadLock()
    }
    // The watch blocks; every other step of the lock must not wait for it.
    const step = lockStep(this.#state)
    if (event.type !== 'lockRead' && (step.step === 'acquire' || !step.blocking)) this.#follower.rereadLock()
    if (before.at !== 'leader' && this.#state.at === 'leader') {
      void settleTakeover(this.#seat, () => this.#value([], false))
    }
    this.#publish()
  }

  #doubt(why: string): void {
    const state = this.#state
    const news = state.at === 'leader' && state.session.doubtedAt === null
    if (news) this.#doubtedFor = why
    this.#dispatch({ type: 'doubted', now: now() })
    this.#follower.rereadLock()
  }

  #whyNot(): string {
    if (this.#leaving.signal.aborted) return 'it stops'
    const standing = {
      now: now(),
      other: this.isStandby() ? this.#follower.holder!.id : null,
      doubt: this.#doubtedFor,
    }
    return whyNotLeading(this.#state, standing, LEASE_TIMING)
  }

  #valueOnTaking(after: readonly Holder[]): string {
    this.#since.iso = new Date().toISOString()
    return this.#value(after, false)
  }

  #value(after: readonly Holder[], released: boolean): string {
    const { id, host } = this.#self
    // A TTL check runs out later than the lease that goes with it: nobody need wait for us.
    const graceMs = this.#keeper.check === 'ttl' ? 0 : this.#self.graceMs
    const address = this.#options.advertise
    return formatLockValue({ id, address, host, graceMs, since: this.#since.iso, after, released })
  }

  #publish(): void {
    const leading = this.isLeader()
    const leaderId = this.leader()?.id ?? null
    if (leading === this.#leading && leaderId === this.#leaderId) return
    const changed = leading !== this.#leading
    this.#leading = leading
    this.#leaderId = leaderId
    const { log, hooks, mesh } = this.#options
    if (changed && leading) log.info('leading', { mesh, leader: leaderId })
    if (changed && !leading) log.info('no longer leading', { mesh, leader: leaderId, reason: this.#whyNot() })
    hooks?.leading?.(leading)
    for (const listener of this.#listeners) listener(leading)
  }
}

function describePause(pausedMs: number): string {
  if (pausedMs <= PAUSE_LIMIT_MS) return 'the clock of this machine was set, or the machine slept'
  return `this process did not run for ${(pausedMs / 1000).toFixed(1)} s`
}

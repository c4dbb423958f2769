import {
  afterEvent,
  type LeaseEvent,
  type LeaseState,
  lockStep,
  mayWrite,
  sessionStep,
  startingLease,
} from '../../../operator/leader/lease.ts'
import {
  formatLockValue,
  type Holder,
  isSameOperator,
  parseLockValue,
  predecessorsIn,
} from '../../../operator/leader/lock-value.ts'
import { LEASE_TIMING, PASS_EVERY_MS, PAUSE_LIMIT_MS } from '../../../operator/leader/timing.ts'
import type { FakeConsul, FakeRow } from './fake-consul.ts'
import type { FakeNetwork } from './fake-network.ts'

const TIMEOUT_MS = 1500
const ASK_TIMEOUT_MS = 500

export interface World {
  readonly consul: FakeConsul
  readonly network: FakeNetwork
  readonly random: () => number
  readonly operators: Map<string, FakeOperator>
}

/** One process of an operator: the loops of an election around the real lease, on the fakes. */
export class FakeOperator {
  readonly #world: World
  readonly #self: Holder
  readonly #check: 'http' | 'ttl'
  #state: LeaseState = startingLease
  #inbox: (() => void)[] = []
  #lastRun: number
  #sessionBusy = false
  #lockBusy = false
  #lockTurn = 0
  #retrySessionAt = 0
  #retryLockAt = 0
  #index = 0
  #met = false
  #asking = new Set<Holder>()
  #nextPassAt = 0
  #settled = true
  frozen = false
  dead = false

  constructor(world: World, id: string, check: 'http' | 'ttl') {
    this.#world = world
    this.#check = check
    const address = check === 'http' ? `${id}.test:80` : null
    this.#self = { id, address, host: id, graceMs: check === 'http' ? LEASE_TIMING.unknownGraceMs : 0 }
    this.#lastRun = world.network.now
    world.consul.setCheck(id, 'passing')
  }

  get id(): string {
    return this.#self.id
  }

  get runs(): boolean {
    return !this.dead && !this.frozen
  }

  writes(): boolean {
    return this.runs && mayWrite(this.#state, this.#now, LEASE_TIMING)
  }

  /** One turn of the event loop: looks at the clock first, as isLeader() does. */
  run(): void {
    if (!this.runs) return
    this.#look()
    const inbox = this.#inbox
    this.#inbox = []
    // After a pause timers and answers come in no order one could rely on.
    inbox.sort(() => this.#world.random() - 0.5)
    for (const handle of inbox) handle()
    this.#drive()
  }

  /** The answer of /healthz to a successor. */
  answer(reply: () => void): void {
    this.#receive(() => {
      this.#doubt()
      reply()
    })
  }

  /** Stops as SIGTERM does. */
  leave(): void {
    const { consul, network } = this.#world
    const state = this.#state
    this.dead = true
    if (state.session === null) return
    const { id } = state.session
    const after =
      state.at === 'leader' ? state.waitsFor : state.at === 'candidate' ? state.free.predecessors : []
    network.send(this.id, 'consul', () => {
      consul.release(id, this.#value(after, true))
      consul.destroy(id)
    })
  }

  get #now(): number {
    return this.#world.network.now
  }

  #look(): void {
    const now = this.#now
    if (now - this.#lastRun > PAUSE_LIMIT_MS) this.#doubt()
    this.#lastRun = now
  }

  #doubt(): void {
    this.#dispatch({ type: 'doubted', now: this.#now })
    this.#reread()
  }

  #dispatch(event: LeaseEvent): void {
    const before = this.#state
    this.#state = afterEvent(before, event, LEASE_TIMING)
    if (before.session !== null && this.#state.session === null) this.#reread()
    const step = lockStep(this.#state)
    if (this.#state !== before && event.type !== 'lockRead' && (step.step === 'acquire' || !step.blocking))
      this.#reread()
    if (before.at !== 'leader' && this.#state.at === 'leader')
      this.#settled = this.#state.waitsFor.length === 0
  }

  #reread(): void {
    this.#lockTurn += 1
    this.#lockBusy = false
    this.#index = 0
  }

  #receive(handle: () => void): void {
    if (!this.dead) this.#inbox.push(() => (this.dead ? undefined : handle()))
  }

  /** One request to Consul; exactly one of the two callbacks is called, in a later turn. */
  #request<T>(
    timeoutMs: number,
    serve: (reply: (answer: T) => void) => void,
    done: (answer: T) => void,
    failed: () => void,
  ): void {
    const { network } = this.#world
    let settled = false
    const settle = (handle: () => void) => () => {
      if (settled) return
      settled = true
      handle()
    }
    network.send(this.id, 'consul', () =>
      serve((answer) => network.send('consul', this.id, () => this.#receive(settle(() => done(answer))))),
    )
    network.after(timeoutMs, () => this.#receive(settle(failed)))
  }

  #drive(): void {
    this.#driveSession()
    this.#driveLock()
    this.#drivePass()
    this.#driveTakeover()
  }

  #driveSession(): void {
    const step = sessionStep(this.#state, this.#now, LEASE_TIMING)
    if (this.#sessionBusy || step.step === 'wait' || this.#now < this.#retrySessionAt) return
    const { consul, network } = this.#world
    const sentAt = this.#now
    const { ttlMs } = LEASE_TIMING
    this.#sessionBusy = true
    const failed = () => {
      this.#sessionBusy = false
      this.#retrySessionAt = this.#now + 100
      this.#reread()
    }
    if (step.step === 'open') {
      const pass = this.#check === 'ttl'
      const serve = (reply: (id: string | null) => void) => {
        if (pass) consul.pass(this.id, network.now + LEASE_TIMING.checkTtlMs)
        reply(consul.open(this.id, network.now, ttlMs))
      }
      const done = (id: string | null) => {
        if (id === null) return failed()
        this.#sessionBusy = false
        this.#dispatch({ type: 'sessionOpened', id, renewedAt: sentAt, passedAt: pass ? sentAt : null })
      }
      this.#request(TIMEOUT_MS, serve, done, failed)
      return
    }
    const { id } = step
    const serve = (reply: (renewed: boolean) => void) => reply(consul.renew(id, network.now, ttlMs))
    const done = (renewed: boolean) => {
      this.#sessionBusy = false
      this.#dispatch(renewed ? { type: 'renewed', id, sentAt } : { type: 'sessionLost', id })
    }
    this.#request(TIMEOUT_MS, serve, done, failed)
  }

  #driveLock(): void {
    if (this.#lockBusy || this.#now < this.#retryLockAt) return
    const { consul } = this.#world
    const step = lockStep(this.#state)
    const sentAt = this.#now
    let turn = this.#lockTurn
    const current = () => turn === this.#lockTurn
    const failed = () => {
      if (!current()) return
      this.#lockBusy = false
      this.#retryLockAt = this.#now + 100
      this.#doubt()
    }
    if (step.step === 'acquire') {
      this.#dispatch({ type: 'acquireSent' })
      turn = this.#lockTurn
      this.#lockBusy = true
      const value = this.#value(step.predecessors, false)
      const serve = (reply: (got: boolean | null) => void) => reply(consul.acquire(step.session, value))
      const done = (got: boolean | null) => {
        if (got === null) this.#dispatch({ type: 'sessionLost', id: step.session })
        if (current()) this.#lockBusy = false
      }
      this.#request(TIMEOUT_MS, serve, done, failed)
      return
    }
    this.#lockBusy = true
    const index = step.blocking ? this.#index : 0
    const waitMs = index > 0 ? 15_000 : 0
    const serve = (reply: (row: FakeRow) => void) =>
      consul.whenChanged(index, this.#world.network.now + waitMs, () => reply(consul.row))
    const done = (row: FakeRow) => {
      if (current()) this.#read(row, sentAt)
    }
    this.#request(waitMs + TIMEOUT_MS, serve, done, failed)
  }

  #read(row: FakeRow, sentAt: number): void {
    this.#lockBusy = false
    this.#index = row.index
    const { heldBy, lockIndex } = row
    const value = parseLockValue(row.value, LEASE_TIMING.unknownGraceMs)
    const first = !this.#met
    this.#met = true
    if (first && heldBy !== null && value !== null && isSameOperator(value, this.#self)) {
      this.#index = 0
      this.#world.network.send(this.id, 'consul', () => this.#world.consul.destroy(heldBy))
      return
    }
    const predecessors = predecessorsIn(value, this.#self)
    this.#dispatch({ type: 'lockRead', sentAt, now: this.#now, heldBy, lockIndex, predecessors })
  }

  #drivePass(): void {
    if (this.#check !== 'ttl' || this.#state.session === null || this.#now < this.#nextPassAt) return
    const { consul, network } = this.#world
    const sentAt = this.#now
    this.#nextPassAt = sentAt + PASS_EVERY_MS
    const serve = (reply: (answer: null) => void) => {
      consul.pass(this.id, network.now + LEASE_TIMING.checkTtlMs)
      reply(null)
    }
    this.#request(
      PASS_EVERY_MS,
      serve,
      () => this.#dispatch({ type: 'passed', sentAt, now: this.#now }),
      () => {},
    )
  }

  #driveTakeover(): void {
    const state = this.#state
    if (state.at !== 'leader' || this.#settled) return
    if (this.#now >= state.writesFrom) {
      this.#settled = true
      const { id } = state.session
      this.#world.network.send(this.id, 'consul', () =>
        this.#world.consul.acquire(id, this.#value([], false)),
      )
      return
    }
    for (const holder of state.waitsFor) if (!this.#asking.has(holder)) this.#ask(holder)
  }

  #ask(holder: Holder): void {
    const { network, operators } = this.#world
    const other = [...operators.values()].find(({ id }) => holder.address === `${id}.test:80`)
    if (other === undefined) return
    this.#asking.add(holder)
    network.after(ASK_TIMEOUT_MS, () => this.#asking.delete(holder))
    const sentAt = this.#now
    const gone = () =>
      this.#receive(() => {
        if (this.#now - sentAt > ASK_TIMEOUT_MS) return
        this.#dispatch({ type: 'predecessorGone', holder, now: this.#now })
      })
    network.send(this.id, other.id, () => {
      if (operators.get(other.id)!.dead) network.send(other.id, this.id, gone)
      else operators.get(other.id)!.answer(() => network.send(other.id, this.id, gone))
    })
  }

  #value(after: readonly Holder[], released: boolean): string {
    return formatLockValue({ ...this.#self, since: '', after, released })
  }
}

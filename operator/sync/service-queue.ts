import { backoffMs } from '../consul/backoff.ts'
import type { Outcome } from './outcome.ts'

/** Why a service waits to be applied. */
export interface Job {
  readonly service: string
  /** When Consul told of the first change that is not applied yet; null when only a resync asked for it. */
  readonly changedAtMs: number | null
  readonly reasons: readonly string[]
  /** True once something new came for the service: what is being applied is out of date. */
  readonly isStale: () => boolean
}

export interface FailingService {
  readonly service: string
  readonly attempt: number
  readonly error: Error
  readonly nextTryAtMs: number
}

export interface QueueOptions {
  readonly work: (job: Job) => Promise<Outcome>
  readonly onDone: (job: Job, outcome: Outcome, tookMs: number) => void
  /** How many services are applied at the same time; calls have their own, lower limit. */
  readonly parallel: () => number
}

interface Entry {
  changedAtMs: number | null
  reasons: string[]
  isQueued: boolean
  isRunning: boolean
  attempt: number
  retry: { timer: NodeJS.Timeout; error: Error; atMs: number; wasTried: boolean } | null
}

const RETRY = { firstMs: 200, maxMs: 30_000 }
const REFUSED_RETRY_MS = 500

/**
 * Services that wait to be applied: each on its own, none twice at a time, none twice in the line, in the order in
 * which they came. One that fails is tried again with backoff and holds up nobody.
 */
export class ServiceQueue {
  readonly #options: QueueOptions
  readonly #entries = new Map<string, Entry>()
  readonly #waitingFor = new Map<string, Set<string>>()
  #running = 0
  #retrying = 0
  #isPaused = true
  #isStopped = false

  constructor(options: QueueOptions) {
    this.#options = options
  }

  /** Asks for a service to be applied; what it was tried with before is out of date. */
  add(service: string, changedAtMs: number | null, reasons: readonly string[] = []): void {
    if (this.#isStopped) return
    const entry = this.#entries.get(service) ?? this.#newEntry(service)
    if (changedAtMs !== null) entry.changedAtMs = Math.min(entry.changedAtMs ?? changedAtMs, changedAtMs)
    if (reasons.length > 0) entry.reasons = merged(entry.reasons, reasons)
    entry.isQueued = true
    // News may mend what failed; that nothing came but a resync does not.
    if (entry.retry !== null && changedAtMs !== null) this.#forgetRetry(entry)
    this.#pump()
  }

  /** Tries again at once what waits for it. */
  retryNow(service: string): void {
    const entry = this.#entries.get(service)
    if (entry === undefined) return
    this.#forgetRetry(entry)
    entry.isQueued = true
    this.#pump()
  }

  pause(): void {
    this.#isPaused = true
  }

  /** Goes on, beginning with what failed while nothing could be reached. */
  resume(): void {
    this.#isPaused = false
    for (const entry of this.#entries.values()) {
      if (entry.retry === null) continue
      this.#forgetRetry(entry)
      entry.isQueued = true
    }
    this.#pump()
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#isStopped = true
    for (const entry of this.#entries.values()) this.#forgetRetry(entry)
  }

  has(service: string): boolean {
    return this.#entries.has(service)
  }

  isFailing(service: string): boolean {
    return (this.#entries.get(service)?.attempt ?? 0) > 0
  }

  /** Is there still something to do for the service, apart from trying again what failed? */
  isBusy(service: string): boolean {
    const entry = this.#entries.get(service)
    return entry !== undefined && entry.retry === null
  }

  isWaitingFor(service: string, other: string): boolean {
    return this.#waitingFor.get(other)?.has(service) ?? false
  }

  get size(): number {
    return this.#entries.size
  }

  /** True when nothing is left to do but to try again what failed; what might not be written was not tried. */
  get isSettled(): boolean {
    return this.#entries.size === this.#retrying
  }

  get running(): number {
    return this.#running
  }

  pending(): readonly string[] {
    return [...this.#entries.keys()].sort()
  }

  failing(): readonly FailingService[] {
    return [...this.#entries].flatMap(([service, { attempt, retry }]) =>
      retry === null ? [] : [{ service, attempt, error: retry.error, nextTryAtMs: retry.atMs }],
    )
  }

  #newEntry(service: string): Entry {
    const entry: Entry = {
      changedAtMs: null,
      reasons: [],
      isQueued: false,
      isRunning: false,
      attempt: 0,
      retry: null,
    }
    this.#entries.set(service, entry)
    return entry
  }

  #pump(): void {
    if (this.#isPaused || this.#isStopped) return
    for (const [service, entry] of this.#entries) {
      if (this.#running >= this.#options.parallel()) return
      if (!entry.isQueued || entry.isRunning || entry.retry !== null) continue
      void this.#run(service, entry)
    }
  }

  async #run(service: string, entry: Entry): Promise<void> {
    const job: Job = {
      service,
      changedAtMs: entry.changedAtMs,
      reasons: entry.reasons,
      isStale: () => entry.isQueued,
    }
    entry.isQueued = false
    entry.isRunning = true
    entry.changedAtMs = null
    entry.reasons = []
    this.#running += 1
    const startedMs = performance.now()
    const outcome = await this.#options.work(job).catch(
      (error: unknown): Outcome => ({
        kind: 'failed',
        error: error instanceof Error ? error : new Error(String(error)),
        changes: [],
      }),
    )
    this.#running -= 1
    entry.isRunning = false
    this.#finish(service, entry, job, outcome)
    this.#options.onDone(job, outcome, performance.now() - startedMs)
    this.#wake(service)
    this.#pump()
  }

  #finish(service: string, entry: Entry, job: Job, outcome: Outcome): void {
    if (outcome.kind === 'failed' || outcome.kind === 'blocked' || outcome.kind === 'refused') {
      // Still owed: the lag counts from the first change that is not in Kong.
      if (job.changedAtMs !== null)
        entry.changedAtMs = Math.min(entry.changedAtMs ?? Infinity, job.changedAtMs)
      entry.reasons = merged(job.reasons, entry.reasons)
    }
    if (outcome.kind === 'failed') {
      this.#retryLater(entry, outcome.error, backoffMs(entry.attempt, RETRY, Math.random()), true)
      entry.attempt += 1
    } else if (outcome.kind === 'refused') {
      this.#retryLater(entry, new Error(outcome.reason), REFUSED_RETRY_MS, false)
    } else if (outcome.kind === 'blocked') {
      const waiting = this.#waitingFor.get(outcome.on) ?? new Set()
      this.#waitingFor.set(outcome.on, waiting.add(service))
      if (!this.#entries.has(outcome.on)) this.#wake(outcome.on)
    } else {
      entry.attempt = 0
      this.#entries.delete(service)
      // At the end of the line: those that change all the time must not hold up the others.
      if (entry.isQueued) this.#entries.set(service, entry)
    }
  }

  #retryLater(entry: Entry, error: Error, waitMs: number, wasTried: boolean): void {
    if (this.#isStopped) return
    const timer = setTimeout(() => {
      this.#forgetRetry(entry)
      entry.isQueued = true
      this.#pump()
    }, waitMs)
    if (wasTried) this.#retrying += 1
    entry.retry = { timer, error, atMs: Date.now() + waitMs, wasTried }
  }

  #wake(service: string): void {
    const waiting = this.#waitingFor.get(service)
    if (waiting === undefined) return
    this.#waitingFor.delete(service)
    for (const each of waiting) {
      const entry = this.#entries.get(each)
      if (entry !== undefined) entry.isQueued = true
    }
  }

  #forgetRetry(entry: Entry): void {
    if (entry.retry === null) return
    clearTimeout(entry.retry.timer)
    if (entry.retry.wasTried) this.#retrying -= 1
    entry.retry = null
  }
}

const MOST_REASONS = 20

/** Each once, however often it came. */
const merged = (before: readonly string[], more: readonly string[]): string[] =>
  [...new Set([...before, ...more])].slice(0, MOST_REASONS)

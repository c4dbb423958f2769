import type { Logger } from '../../../operator/telemetry/logger.ts'
import type { ToSupervisor } from './messages.ts'
import { type WorkerEnd, WorkerProcess } from './worker-process.ts'

export interface WorkerPairOptions {
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** See WorkerOptions. */
  readonly fds: () => readonly number[]
  readonly hangMs: number
  readonly now: () => number
  readonly log: Logger
  /** A worker has loaded its plugins: tell it what there is. */
  onReady(worker: WorkerProcess): void
  /** `worker` works from now on; the one before it, if there was one, gave its last sign of life at `heardAt`. */
  onWork(worker: WorkerProcess, heardAt: number | null): void
  /** There is no working process, and none that could take over. */
  onNobody(): void
  onMessage(worker: WorkerProcess, message: ToSupervisor): void
}

const STEADY_MS = 5_000
/** A process that starts takes a core for a while: not at the moment when another takes over. */
const REFILL_MS = 300
const BACKOFF_MS = { first: 100, max: 5_000 } as const

/**
 * Two workers: one works, the other has loaded everything and waits, so that the place of one that dies or hangs is
 * taken within a millisecond. Whoever ends is replaced; at growing intervals when they do not last.
 */
export class WorkerPair {
  readonly #options: WorkerPairOptions
  readonly restarts: Record<WorkerEnd, number> = { exited: 0, hung: 0, slow_start: 0 }
  #working: WorkerProcess | null = null
  #waiting: WorkerProcess | null = null
  #heardAt: number | null = null
  #backoffMs = 0
  #timer: NodeJS.Timeout | null = null
  #onAllGone: (() => void) | null = null

  constructor(options: WorkerPairOptions) {
    this.#options = options
  }

  /** The working process, once it is ready. */
  get working(): WorkerProcess | null {
    return this.#working
  }

  /** The one that waits, ready or not. */
  get waiting(): WorkerProcess | null {
    return this.#waiting
  }

  start(): void {
    this.#fill()
  }

  /** Stops both: asks, and insists after `limitMs`. */
  async stop(limitMs: number): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer)
    const workers = [this.#working, this.#waiting].filter((worker) => worker !== null)
    const gone = new Promise<void>((resolve) => {
      this.#onAllGone = resolve
    })
    for (const worker of workers) worker.send({ type: 'stop' })
    if (workers.length === 0) return
    const insist = setTimeout(() => {
      for (const worker of workers) worker.kill()
    }, limitMs)
    await gone
    clearTimeout(insist)
  }

  #fill(): void {
    this.#timer = null
    if (this.#waiting || this.#onAllGone) return
    const { args, env, fds, hangMs, now } = this.#options
    this.#waiting = new WorkerProcess({
      args,
      env,
      isSpare: this.#working !== null,
      fds: fds(),
      hangMs,
      now,
      onMessage: (worker, message) => this.#receive(worker, message),
      onEnd: (worker, why) => this.#ended(worker, why),
    })
  }

  #receive(worker: WorkerProcess, message: ToSupervisor): void {
    if (message.type !== 'ready') {
      this.#options.onMessage(worker, message)
      return
    }
    this.#options.onReady(worker)
    if (this.#working !== null) return
    this.#promote()
    this.#logWorking()
    this.#refill()
  }

  #promote(): void {
    const worker = this.#waiting
    if (!worker?.isReady) {
      this.#options.onNobody()
      return
    }
    this.#working = worker
    this.#waiting = null
    this.#options.onWork(worker, this.#heardAt)
  }

  #logWorking(): void {
    if (this.#working !== null) this.#options.log.info('working process', { pid: this.#working.pid })
  }

  #ended(worker: WorkerProcess, why: WorkerEnd): void {
    const wasWorking = worker === this.#working
    if (wasWorking) {
      this.#working = null
      this.#heardAt = worker.heardAt
    } else this.#waiting = null
    if (this.#onAllGone) {
      if (!this.#working && !this.#waiting) this.#onAllGone()
      return
    }
    // Before anything else, even a line in the log: requests wait.
    if (wasWorking) this.#promote()
    this.restarts[why]++
    const lastedMs = this.#options.now() - worker.startedAt
    this.#backoffMs =
      lastedMs > STEADY_MS ? 0 : Math.min(Math.max(this.#backoffMs * 2, BACKOFF_MS.first), BACKOFF_MS.max)
    const what = { exited: 'ended', hung: 'hung and was killed', slow_start: 'did not start in time' }[why]
    this.#options.log.warn(`${wasWorking ? 'working' : 'waiting'} process ${what}`, { pid: worker.pid })
    if (wasWorking) this.#logWorking()
    this.#refill()
  }

  #refill(): void {
    if (this.#waiting || this.#timer) return
    const delayMs = this.#working ? Math.max(this.#backoffMs, REFILL_MS) : this.#backoffMs
    if (delayMs === 0) this.#fill()
    else this.#timer = setTimeout(() => this.#fill(), delayMs)
  }
}

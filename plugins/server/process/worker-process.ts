import { type ChildProcess, spawn } from 'node:child_process'
import { HangClock } from './hang-clock.ts'
import type { ToSupervisor, ToWorker } from './messages.ts'

export type WorkerEnd = 'exited' | 'hung' | 'slow_start'

export interface WorkerOptions {
  /** Arguments of Node that start a worker. */
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  /** Another one works: there is time to warm up. */
  readonly isSpare: boolean
  /** Sockets that it inherits: they are its file descriptors from FIRST_INHERITED on. */
  readonly fds: readonly number[]
  /** After how long without a sign of life it is hung, ms. */
  readonly hangMs: number
  readonly now: () => number
  onMessage(worker: WorkerProcess, message: ToSupervisor): void
  onEnd(worker: WorkerProcess, why: WorkerEnd): void
}

/** Argument of a worker that starts while another one works. */
export const SPARE = '--spare'

/** 0 to 2 are the standard ones, 3 is the channel to us. */
export const FIRST_INHERITED = 4

/**
 * V8 lets its young generation grow to 16 MiB, when it likes: 20 MiB more after hours for what dies within microseconds. A
 * smaller process is also gone sooner when it is killed. Next to nothing survives such a collection: to wake other threads
 * for it takes longer than to do it, 0.22 to 0.35 ms against 0.13 to 0.21.
 */
const NODE_ARGS = ['--max-semi-space-size=4', '--single-threaded-gc']
const TICK_MS = 50
const START_LIMIT_MS = 20_000

/** A worker as the supervisor sees it. One that gives no sign of life for too long is killed. */
export class WorkerProcess {
  readonly pid: number
  readonly startedAt: number
  readonly #child: ChildProcess
  readonly #options: WorkerOptions
  readonly #timer: NodeJS.Timeout
  #clock: HangClock
  #heardAt: number
  #isReady = false
  #hasEnded = false

  constructor(options: WorkerOptions) {
    this.#options = options
    // A process group of its own: Ctrl-C reaches the supervisor alone, which stops the worker in order.
    this.#child = spawn(
      process.execPath,
      [...NODE_ARGS, ...options.args, ...(options.isSpare ? [SPARE] : [])],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...options.fds],
        detached: true,
        env: options.env,
      },
    )
    this.pid = this.#child.pid ?? 0
    this.startedAt = options.now()
    this.#heardAt = this.startedAt
    this.#clock = new HangClock({ tickMs: TICK_MS, limitMs: START_LIMIT_MS, now: this.startedAt })
    this.#child.on('message', (message) => this.#receive(message as ToSupervisor))
    // Which of these comes first differs; the channel goes with the process.
    this.#child.on('exit', () => this.#end('exited'))
    this.#child.on('error', () => this.#end('exited'))
    this.#child.on('disconnect', () => this.#end('exited'))
    this.#timer = setInterval(() => this.#tick(), TICK_MS)
  }

  get isReady(): boolean {
    return this.#isReady
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** When it gave its last sign of life. */
  get heardAt(): number {
    return this.#heardAt
  }

  send(message: ToWorker): void {
    if (this.#hasEnded || !this.#child.connected) return
    this.#child.send(message, () => {})
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #receive(message: ToSupervisor): void {
    this.#clock.beat()
    this.#heardAt = this.#options.now()
    if (message.type === 'beat' || this.#hasEnded) return
    if (message.type === 'ready') {
      this.#isReady = true
      const { hangMs, now } = this.#options
      this.#clock = new HangClock({ tickMs: TICK_MS, limitMs: hangMs, now: now() })
    }
    this.#options.onMessage(this, message)
  }

  #tick(): void {
    if (this.#clock.tick(this.#options.now())) this.#end(this.#isReady ? 'hung' : 'slow_start')
  }

  #end(why: WorkerEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearInterval(this.#timer)
    // SIGKILL also ends a process that is stopped, and closes its connections, so that Kong waits no longer.
    this.kill()
    this.#options.onEnd(this, why)
  }
}

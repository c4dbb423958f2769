// Takes instances out of Kong and puts them back, as the circuits want it. Requests never wait for it.
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../../operator/telemetry/logger.ts'
import { backoffMs } from '../export/retry-delay.ts'
import { OperatorRefusal } from './operator-calls.ts'

/** An instance is to be out until a moment, or in. */
export interface Wish {
  readonly upstream: string
  /** `host:port`, of a host name with the address: `instanceKey`. */
  readonly target: string
  readonly isIn: boolean
  /** End of the ejection, epoch ms; 0 for one that comes back. */
  readonly untilMs: number
  readonly reason: string
  /** Of a host name: how many addresses it has. */
  readonly addresses?: number
}

export interface EjectorOptions {
  /** Marks a target in Kong; false when Kong takes no mark for it. Throws when Kong does not answer. */
  readonly mark: (upstream: string, target: string, health: 'healthy' | 'unhealthy') => Promise<boolean>
  /** Tells an operator: it keeps everybody else from putting the instance back. @throws OperatorRefusal, Error */
  readonly claim: (wish: Wish) => Promise<void>
  readonly release: (wish: Wish) => Promise<void>
  readonly log: Logger
  /** Epoch ms. */
  readonly wallNowMs?: () => number
}

export interface EjectorCounts {
  ejections: number
  returns: number
  /** Marks that Kong did not take. */
  refused: number
  /** Calls that were due again. */
  retries: number
}

interface Task {
  wish: Wish
  /** Ends the pause before the next try. */
  wake: (() => void) | null
  /** Kong took no mark, and it was told. */
  isRefused: boolean
  /** What an operator has heard of: it is told once. */
  told: Wish | null
  /** For which Kong has taken the mark. */
  marked: Wish | null
  /** No operator took the claim, and that was logged. */
  isUnclaimed: boolean
  /** Another process ejected it first, and puts it back. */
  isForeign: boolean
}

const BACKOFF = { baseMs: 50, maxMs: 2_000 } as const

/** One queue for each target; of several wishes for one the last counts. */
export class Ejector {
  readonly counts: EjectorCounts = { ejections: 0, returns: 0, refused: 0, retries: 0 }
  readonly #options: EjectorOptions
  readonly #tasks = new Map<string, Task>()
  readonly #ending = new AbortController()
  /** Targets that another process ejected first. */
  readonly #foreign = new Set<string>()

  constructor(options: EjectorOptions) {
    this.#options = options
  }

  /** Targets whose mark is not yet what it is to be. */
  get pending(): number {
    return this.#tasks.size
  }

  want(wish: Wish): void {
    const key = `${wish.upstream} ${wish.target}`
    const task = this.#tasks.get(key)
    if (task !== undefined) {
      task.wish = wish
      task.wake?.()
      return
    }
    const created: Task = {
      wish,
      wake: null,
      isRefused: false,
      told: null,
      marked: null,
      isUnclaimed: false,
      isForeign: this.#foreign.has(key),
    }
    this.#tasks.set(key, created)
    void this.#work(key, created)
  }

  stop(): void {
    this.#ending.abort()
  }

  #wallNowMs(): number {
    return this.#options.wallNowMs?.() ?? Date.now()
  }

  async #work(key: string, task: Task): Promise<void> {
    for (let failures = 0; !this.#ending.signal.aborted; ) {
      const { wish } = task
      const isDone = await (wish.isIn ? this.#putBack(key, task, wish) : this.#takeOut(key, task, wish))
      if (isDone && task.wish === wish) break
      if (isDone || task.wish !== wish) {
        failures = 0
        continue
      }
      this.counts.retries++
      await this.#pause(task, backoffMs(failures++, BACKOFF, Math.random()))
    }
    this.#tasks.delete(key)
  }

  /** Until it is over, another wish comes, or everything ends. */
  async #pause(task: Task, ms: number): Promise<void> {
    const woken = new AbortController()
    task.wake = () => woken.abort()
    const signal = AbortSignal.any([this.#ending.signal, woken.signal])
    await delay(ms, undefined, { signal, ref: false }).catch(() => {})
    task.wake = null
  }

  /** Kong first and at once; the claim goes out beside it. */
  async #takeOut(key: string, task: Task, wish: Wish): Promise<boolean> {
    const claimed = this.#claim(key, task, wish)
    const isMarked = task.marked === wish || (await this.#mark(task, wish, 'unhealthy'))
    if (isMarked && task.marked !== wish) {
      task.marked = wish
      this.counts.ejections++
    }
    await claimed
    // Without its mark the instance gets requests all the while, and without the claim an operator that is back takes the
    // mark for one of Kong's own: both are worth more tries as long as it is to be out.
    const isOver = wish.untilMs <= this.#wallNowMs()
    return (isMarked === true && (isOver || task.told === wish)) || (isMarked === false && isOver)
  }

  async #putBack(key: string, task: Task, wish: Wish): Promise<boolean> {
    this.#foreign.delete(key)
    if (task.isForeign) {
      task.isForeign = false
      return true
    }
    const isMarked = await this.#mark(task, wish, 'healthy')
    if (isMarked === null) return false
    if (isMarked) this.counts.returns++
    // Where it is not heard the claim ends by itself, a little later.
    await this.#options.release(wish).catch(() => {})
    return true
  }

  async #claim(key: string, task: Task, wish: Wish): Promise<void> {
    if (task.told === wish) return
    try {
      await this.#options.claim(wish)
      task.told = wish
      task.isForeign = false
      this.#foreign.delete(key)
    } catch (error) {
      const isTaken = error instanceof OperatorRefusal && error.status === 409
      if (isTaken) {
        task.told = wish
        task.isForeign = true
        this.#foreign.add(key)
      }
      const { upstream, target } = wish
      const isKnown = isTaken || task.isUnclaimed
      task.isUnclaimed = true
      this.#options.log[isKnown ? 'debug' : 'warn']('the ejection is not claimed', {
        upstream,
        target,
        reason: (error as Error).message,
      })
    }
  }

  /** Null: Kong did not answer, it is worth another try. */
  async #mark(task: Task, wish: Wish, health: 'healthy' | 'unhealthy'): Promise<boolean | null> {
    const { upstream, target, reason } = wish
    const { mark, log } = this.#options
    try {
      const isTaken = await mark(upstream, target, health)
      if (isTaken) log.info(TOLD[health], { upstream, target, reason })
      else {
        this.counts.refused++
        const hint = 'behind a control plane its weight is taken away instead, by an operator'
        if (!task.isRefused) log.warn('Kong takes no mark for a target', { upstream, target, health, hint })
      }
      task.isRefused = !isTaken
      return isTaken
    } catch (error) {
      log.warn('Kong cannot be told to mark a target', {
        upstream,
        target,
        health,
        reason: (error as Error).message,
      })
      return null
    }
  }
}

const TOLD = { unhealthy: 'instance ejected', healthy: 'instance put back' } as const

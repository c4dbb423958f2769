import { BoundedQueue } from './bounded-queue.ts'

export interface BatchSenderOptions<Item> {
  readonly maxQueued: number
  readonly maxBatch: number
  /** What an item counts for in both; 1 when not given. */
  readonly weigh?: (item: Item) => number
  /** A batch that is not full goes this long after its first item, or as soon as the one before it is gone. */
  readonly delayMs: number
  /** What comes when nothing went for `delayMs` goes at once, instead of waiting for others. Default false. */
  readonly isEager?: boolean
  /** Gets rid of a batch, one at a time. Must not throw; `signal` is the end of the time there is. */
  readonly deliver: (batch: readonly Item[], signal: AbortSignal) => Promise<void>
}

/** Collects items and hands them on in batches, one under way at a time. What finds no room is not taken. */
export class BatchSender<Item> {
  readonly #options: BatchSenderOptions<Item>
  readonly #queue: BoundedQueue<Item>
  readonly #ending = new AbortController()
  #timer: NodeJS.Timeout | undefined
  /** Nothing has to wait any more. */
  #isDue: boolean
  #sending: Promise<void> | null = null
  #underWay = 0
  #isStopping = false

  constructor(options: BatchSenderOptions<Item>) {
    this.#options = options
    this.#isDue = options.isEager ?? false
    this.#queue = new BoundedQueue(options.maxQueued, options.weigh)
  }

  /** Items that wait, and those under way. */
  get queued(): number {
    return this.#queue.size + this.#underWay
  }

  get isStopping(): boolean {
    return this.#isStopping
  }

  /** False when there is no room, or no time any more. Never waits. */
  add(item: Item): boolean {
    if (this.#isStopping || !this.#queue.push(item)) return false
    this.#wake()
    return true
  }

  /** Takes a batch back, in front of what waits. Answers how many items found no room. */
  putBack(batch: readonly Item[]): number {
    this.#underWay = 0
    return this.#queue.putBack(batch)
  }

  /** Delivers what waits, for `deadlineMs` at most. Answers how many items are left. */
  async stop(deadlineMs: number): Promise<number> {
    this.#isStopping = true
    const end = setTimeout(() => this.#ending.abort(), deadlineMs)
    this.#wake()
    while (this.#sending !== null) await this.#sending
    clearTimeout(end)
    clearTimeout(this.#timer)
    this.#ending.abort()
    return this.#queue.take(Number.POSITIVE_INFINITY).length
  }

  #wake(): void {
    if (this.#queue.size === 0 || this.#ending.signal.aborted) return
    const mustGo = this.#isDue || this.#isStopping || this.#queue.weight >= this.#options.maxBatch
    if (!mustGo) this.#timer ??= this.#wait()
    else if (this.#sending === null) this.#send()
  }

  #wait(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#isDue = true
      this.#wake()
    }, this.#options.delayMs).unref()
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = this.#options.isEager ? this.#wait() : undefined
    this.#isDue = false
    const batch = this.#queue.take(this.#options.maxBatch)
    this.#underWay = batch.length
    this.#sending = this.#options.deliver(batch, this.#ending.signal).finally(() => {
      this.#underWay = 0
      this.#sending = null
      this.#wake()
    })
  }
}

import { type Door, DoorError, type Telling } from './door.ts'

export interface KeeperOptions {
  readonly door: Door
  /** How often it is told that the instance lives. */
  readonly beatMs: number
  /** What is worth knowing: said once when it begins, and once when it is over. */
  readonly log: (message: string, fields: Readonly<Record<string, unknown>>) => void
}

/** After a failure it is tried again so soon, and each time a little later. */
const FIRST_RETRY_MS = 250
const MOST_RETRY_MS = 5_000

/** Keeps an instance registered, from `start` to `leave`. Nothing here keeps the process running. */
export class Keeper {
  readonly #options: KeeperOptions
  #telling: Telling = { health: 'healthy', note: '' }
  #isRegistered = false
  /** A registration that got no answer may have been made all the same. */
  #mayBeThere = false
  #isLeaving = false
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  /** One thing at a time: a heartbeat must not pass the deregistration. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  get isRegistered(): boolean {
    return this.#isRegistered
  }

  /** Whether there may be something to take out. */
  get mayBeThere(): boolean {
    return this.#mayBeThere
  }

  /** Tries once, and goes on by itself. @throws DoorError when it is refused */
  async start(): Promise<void> {
    try {
      await this.#inTurn(() => this.#tell())
    } catch (error) {
      if (error instanceof DoorError && error.isRefusal) throw error
      this.#failed(error)
    }
    this.#later()
  }

  /** @throws DoorError when it could not be told; it will be, with the next heartbeat */
  async say(telling: Telling): Promise<void> {
    this.#telling = telling
    await this.#inTurn(() => this.#tell())
  }

  /** Takes the instance out, once. @throws DoorError */
  async leave(): Promise<void> {
    this.#isLeaving = true
    clearTimeout(this.#timer)
    await this.#inTurn(async () => {
      if (!this.#mayBeThere) return
      await this.#options.door.deregister()
      this.#isRegistered = false
      this.#mayBeThere = false
    })
  }

  /** A heartbeat; registers where it is not known, or not any more. */
  async #tell(): Promise<void> {
    if (this.#isLeaving) return
    const { door, log } = this.#options
    if (this.#isRegistered) {
      if (await door.renew(this.#telling)) return
      this.#isRegistered = false
      log('the registration was forgotten: registering again', { id: door.id })
    }
    this.#mayBeThere = true
    await door.register(this.#telling)
    this.#isRegistered = true
  }

  #later(): void {
    if (this.#isLeaving) return
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), MOST_RETRY_MS)
    const waitMs = this.#failures === 0 ? this.#options.beatMs : Math.min(retryMs, this.#options.beatMs)
    this.#timer = setTimeout(() => void this.#beat(), waitMs)
    this.#timer.unref()
  }

  async #beat(): Promise<void> {
    try {
      await this.#inTurn(() => this.#tell())
      if (this.#failures > 0) this.#options.log('heartbeats arrive again', { id: this.#options.door.id })
      this.#failures = 0
    } catch (error) {
      this.#failed(error)
    }
    this.#later()
  }

  #failed(error: unknown): void {
    const { door, log } = this.#options
    if (this.#failures === 0) {
      log('Consul cannot be told that this instance lives', {
        id: door.id,
        reason: (error as Error).message,
      })
    }
    this.#failures++
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

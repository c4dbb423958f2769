import type { CircuitReport, FromKong } from '../../operator/sync/circuit-book.ts'
import type { Logger } from '../../operator/telemetry/logger.ts'
import type { Transition } from '../breaker/transition.ts'
import { rareWarning } from '../export/rare-log.ts'
import { backoffMs } from '../export/retry-delay.ts'
import type { OperatorCalls } from './operator-calls.ts'

export interface CircuitReporterOptions {
  readonly operators: readonly Pick<OperatorCalls, 'url' | 'call'>[]
  /** Name of this node of Kong. */
  readonly node: string
  /** Of this process: an operator tells a snapshot of another one from an old one by it. */
  readonly epoch: string
  readonly snapshot: () => readonly CircuitReport[]
  readonly fromKong: () => FromKong
  readonly log: Logger
}

/** How often everything is told again, changed or not: an operator forgets who is silent for 15 s. */
const EVERY_MS = 5_000
/** Changes within this time are told together. */
const GATHER_MS = 20
const MOST_EVENTS = 200
/** An operator that starts shall know of us soon. */
const RETRY = { baseMs: 200, maxMs: 2_000 } as const

/** One operator: that another does not answer must not keep it waiting. */
interface Lane {
  readonly operator: Pick<OperatorCalls, 'url' | 'call'>
  isSending: boolean
  isDue: boolean
  events: Transition[]
  failures: number
  retry: NodeJS.Timeout | null
}

/** Tells every operator of all circuits: every 5 s, within 20 ms when one changes or it starts, and again soon when one was not reached. */
export class CircuitReporter {
  readonly #options: CircuitReporterOptions
  readonly #lanes: readonly Lane[]
  readonly #warn: ReturnType<typeof rareWarning>
  readonly #timer: NodeJS.Timeout
  #soon: NodeJS.Timeout | null = null
  #isStopped = false

  constructor(options: CircuitReporterOptions) {
    this.#options = options
    this.#lanes = options.operators.map((operator) => ({
      operator,
      isSending: false,
      isDue: false,
      events: [],
      failures: 0,
      retry: null,
    }))
    this.#warn = rareWarning(options.log)
    this.#timer = setInterval(() => this.#sendAll(), EVERY_MS)
    this.#timer.unref()
    this.#sendSoon()
  }

  changed(transition: Transition): void {
    for (const { events } of this.#lanes) if (events.length < MOST_EVENTS) events.push(transition)
    this.#sendSoon()
  }

  stop(): void {
    this.#isStopped = true
    clearInterval(this.#timer)
    if (this.#soon !== null) clearTimeout(this.#soon)
    for (const { retry } of this.#lanes) if (retry !== null) clearTimeout(retry)
  }

  #sendSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = null
      this.#sendAll()
    }, GATHER_MS)
    this.#soon.unref()
  }

  #sendAll(): void {
    const free = this.#lanes.filter((lane) => {
      if (lane.isSending) lane.isDue = true
      return !lane.isSending
    })
    if (free.length === 0) return
    const circuits = this.#options.snapshot()
    for (const lane of free) void this.#send(lane, circuits)
  }

  async #send(lane: Lane, circuits: readonly CircuitReport[]): Promise<void> {
    const { node, epoch } = this.#options
    const { events } = lane
    const body = { node, atMs: Date.now(), epoch, circuits, events, fromKong: this.#options.fromKong() }
    lane.events = []
    lane.isSending = true
    try {
      await lane.operator.call('POST', '/internal/circuits', { body })
      lane.failures = 0
    } catch (error) {
      lane.events = [...events, ...lane.events].slice(0, MOST_EVENTS)
      this.#retrySoon(lane)
      this.#warn('an operator is not told of the circuits', {
        operator: lane.operator.url,
        error: (error as Error).message,
      })
    }
    lane.isSending = false
    if (!lane.isDue || this.#isStopped) return
    lane.isDue = false
    void this.#send(lane, this.#options.snapshot())
  }

  #retrySoon(lane: Lane): void {
    if (lane.retry !== null || this.#isStopped) return
    lane.retry = setTimeout(
      () => {
        lane.retry = null
        if (!lane.isSending) void this.#send(lane, this.#options.snapshot())
      },
      backoffMs(lane.failures++, RETRY, Math.random()),
    )
    lane.retry.unref()
  }
}

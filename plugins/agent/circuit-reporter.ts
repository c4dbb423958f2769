import type { CircuitReport } from '../../operator/sync/circuit-book.ts'
import type { Logger } from '../../operator/telemetry/logger.ts'
import type { Transition } from '../breaker/transition.ts'
import { rareWarning } from '../export/rare-log.ts'
import type { OperatorCalls } from './operator-calls.ts'

export interface CircuitReporterOptions {
  readonly operators: readonly OperatorCalls[]
  /** Name of this node of Kong. */
  readonly node: string
  /** Of this process: an operator tells a snapshot of another one from an old one by it. */
  readonly epoch: string
  readonly snapshot: () => readonly CircuitReport[]
  readonly log: Logger
}

/** How often everything is told again, changed or not: an operator forgets who is silent for 15 s. */
const EVERY_MS = 5_000
/** Changes within this time are told together. */
const GATHER_MS = 20
const MOST_EVENTS = 200

/** Tells every operator of all circuits: every 5 s, and at once when one changes. */
export class CircuitReporter {
  readonly #options: CircuitReporterOptions
  readonly #warn: ReturnType<typeof rareWarning>
  readonly #timer: NodeJS.Timeout
  #soon: NodeJS.Timeout | null = null
  #isSending = false
  #isDue = false
  #events: Transition[] = []

  constructor(options: CircuitReporterOptions) {
    this.#options = options
    this.#warn = rareWarning(options.log)
    this.#timer = setInterval(() => this.#send(), EVERY_MS)
    this.#timer.unref()
    this.#send()
  }

  changed(transition: Transition): void {
    if (this.#events.length < MOST_EVENTS) this.#events.push(transition)
    this.#soon ??= setTimeout(() => {
      this.#soon = null
      this.#send()
    }, GATHER_MS)
    this.#soon.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    if (this.#soon !== null) clearTimeout(this.#soon)
  }

  #send(): void {
    if (this.#isSending) {
      this.#isDue = true
      return
    }
    this.#isSending = true
    const { operators, node, epoch, snapshot } = this.#options
    const body = { node, atMs: Date.now(), epoch, circuits: snapshot(), events: this.#events }
    this.#events = []
    const sent = operators.map((operator) =>
      operator.call('POST', '/internal/circuits', { body }).catch((error: Error) => {
        this.#warn('an operator is not told of the circuits', {
          operator: operator.url,
          error: error.message,
        })
      }),
    )
    void Promise.all(sent).then(() => {
      this.#isSending = false
      if (!this.#isDue) return
      this.#isDue = false
      this.#send()
    })
  }
}

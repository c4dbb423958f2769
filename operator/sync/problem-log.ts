import type { Problem } from '../core/problem.ts'
import type { Logger } from '../telemetry/logger.ts'

const SOON_MS = 100

/** Tells the log of problems as they appear and as they are gone, once each, however often they are found again. */
export class ProblemLog {
  readonly #log: Logger
  readonly #read: () => readonly Problem[]
  #known: ReadonlyMap<string, Problem> = new Map()
  #timer: NodeJS.Timeout | null = null

  constructor(log: Logger, read: () => readonly Problem[]) {
    this.#log = log
    this.#read = read
  }

  /** A moment later: what a burst of changes brings and takes away again is nobody's news. */
  reviewSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.review()
    }, SOON_MS)
    this.#timer.unref()
  }

  review(): void {
    const before = this.#known
    const now = new Map(this.#read().map((problem) => [textOf(problem), problem]))
    this.#known = now
    for (const [text, problem] of now) if (!before.has(text)) this.#tell(problem)
    const standing = new Set([...now.values()].map(kindOf))
    const gone = new Map([...before.values()].map((problem) => [kindOf(problem), problem]))
    for (const [kind, { code, service }] of gone) {
      // Said otherwise, as with another count of instances, it is still there.
      if (!standing.has(kind)) this.#log.info('a problem is gone', { code, service })
    }
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  #tell({ code, severity, service, message }: Problem): void {
    this.#log[LEVELS[severity]]('a problem', { code, service, reason: message })
  }
}

const LEVELS = { error: 'error', warning: 'warn', info: 'info' } as const

const kindOf = ({ code, service }: Problem): string => `${code} ${service}`

const textOf = (problem: Problem): string => `${kindOf(problem)} ${problem.message}`

import type { Logger } from '../telemetry/logger.ts'
import type { CallService } from './call-service.ts'
import { callTask } from './call-task.ts'
import type { MigrationCounter } from './migration-counter.ts'
import type { CallPlan, Task } from './task-call.ts'

export interface MirrorOptions {
  readonly callService: CallService
  readonly count: MigrationCounter
  readonly log: Logger
}

const AT_ONCE = 16
const MOST_WAITING = 1000

/**
 * Calls beside the queue, of which nobody waits for the answer. Best effort: at most once for a task, not at all when
 * too many wait or the operator ends.
 */
export class MirrorCalls {
  readonly #options: MirrorOptions
  readonly #waiting: { readonly task: Task; readonly plan: CallPlan }[] = []
  readonly #stopping = new AbortController()
  #running = 0

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  offer(task: Task, plan: CallPlan): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#options.count(task.topic, 'mirror', 'mirror_dropped')
      return
    }
    this.#waiting.push({ task, plan })
    if (this.#running < AT_ONCE) void this.#run()
  }

  stop(): void {
    this.#stopping.abort()
    this.#waiting.length = 0
  }

  async #run(): Promise<void> {
    const { callService, count, log } = this.#options
    this.#running++
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      const { task, plan } = next
      const outcome = await callTask(callService, task, plan, {
        isMirror: true,
        signal: this.#stopping.signal,
      })
      count(task.topic, 'mirror', outcome.ok ? 'mirrored' : 'mirror_failed')
      if (!outcome.ok) {
        log.debug('a mirrored call failed', { topic: task.topic, task: task.id, reason: outcome.error })
      }
    }
    this.#running--
  }
}

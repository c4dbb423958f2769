import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../consul/backoff.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { CallService } from './call-service.ts'
import { finishCall, holdCalls, readCallTopics, takeCalls, takeOverCalls } from './call-store.ts'
import { type CallOutcome, callTask } from './call-task.ts'
import type { MigrationCounter } from './migration-counter.ts'
import type { RedisCommand } from './redis-connection.ts'
import type { StreamEntry } from './stream-entry.ts'
import { type CallPlan, deadJson, resultJson, type Task } from './task-call.ts'
import { TOPIC } from './topic.ts'

export interface MeshCallsOptions {
  readonly run: RedisCommand
  readonly callService: CallService
  readonly count: MigrationCounter
  readonly log: Logger
  /** Name of this operator in the group; the same after a restart. */
  readonly consumer: string
  /** How long an operator that has taken a task may be silent before another one calls, in ms. */
  readonly silentMs?: number
  /** How often others are looked after, in ms; has to be a fraction of silentMs. */
  readonly reviewMs?: number
}

interface TopicCalls {
  readonly inFlight: Set<string>
  isReading: boolean
  isDue: boolean
}

/** Of one topic, at once, by this operator. The rest waits in Redis. */
const AT_ONCE = 32
/** A task during which operators have died this often is given up. */
const MOST_DELIVERIES = 3
const FINISH_RETRY = { firstMs: 100, maxMs: 3000 }
const STOP_LIMIT_MS = 500

/**
 * Calls services with the tasks that wait in Redis. Each task is taken by one operator, which says every few seconds
 * that it still has it. One that falls silent has its tasks called again by another, so a service may see the same
 * task_id twice then; its answer is kept once.
 */
export class MeshCalls {
  readonly #options: Required<MeshCallsOptions>
  readonly #topics = new Map<string, TopicCalls>()
  readonly #stopping = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #timer: NodeJS.Timeout | null = null

  constructor(options: MeshCallsOptions) {
    this.#options = { silentMs: 20_000, reviewMs: 5000, ...options }
  }

  /** Begins to look after what is there, now and every few seconds. */
  start(): void {
    void this.review()
    this.#timer = setInterval(() => void this.review(), this.#options.reviewMs)
    this.#timer.unref()
  }

  /** A task was added. */
  kick(topic: string): void {
    void this.#take(topic)
  }

  /** Looks at every topic: says what is being called here, takes over what others left. */
  async review(): Promise<void> {
    if (this.#stopping.signal.aborted) return
    const { run, log } = this.#options
    try {
      for (const topic of await readCallTopics(run)) if (TOPIC.test(topic)) await this.#reviewTopic(topic)
    } catch (error) {
      log.debug('tasks that wait for their call cannot be looked at', { reason: (error as Error).message })
    }
  }

  /** Takes nothing more, and waits a little for what is being called; the rest is taken over by others. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    if (this.#timer !== null) clearInterval(this.#timer)
    const limit = new Promise<void>((done) => setTimeout(done, STOP_LIMIT_MS).unref())
    await Promise.race([Promise.all(this.#running), limit])
  }

  async #reviewTopic(topic: string): Promise<void> {
    const { run, consumer, silentMs } = this.#options
    const calls = this.#of(topic)
    if (calls.inFlight.size > 0) await holdCalls(run, topic, consumer, [...calls.inFlight])
    await this.#take(topic)
    const most = AT_ONCE - calls.inFlight.size
    if (most <= 0) return
    for (const entry of await takeOverCalls(run, topic, consumer, { idleMs: silentMs, most })) {
      this.#begin(topic, entry, entry.deliveries)
    }
  }

  #of(topic: string): TopicCalls {
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    const calls = { inFlight: new Set<string>(), isReading: false, isDue: false }
    this.#topics.set(topic, calls)
    return calls
  }

  async #take(topic: string): Promise<void> {
    const { run, consumer, log } = this.#options
    const calls = this.#of(topic)
    calls.isDue = true
    if (calls.isReading) return
    calls.isReading = true
    try {
      while (calls.isDue && calls.inFlight.size < AT_ONCE && !this.#stopping.signal.aborted) {
        calls.isDue = false
        const entries = await takeCalls(run, topic, consumer, AT_ONCE - calls.inFlight.size)
        for (const entry of entries) this.#begin(topic, entry, 1)
        if (entries.length > 0) calls.isDue = true
      }
    } catch (error) {
      // They wait in Redis: the next review takes them.
      log.debug('tasks cannot be taken', { topic, reason: (error as Error).message })
    } finally {
      calls.isReading = false
    }
  }

  #begin(topic: string, entry: StreamEntry, deliveries: number): void {
    const calls = this.#of(topic)
    if (calls.inFlight.has(entry.id)) return
    calls.inFlight.add(entry.id)
    const done = this.#call(topic, entry, deliveries).finally(() => {
      calls.inFlight.delete(entry.id)
      this.#running.delete(done)
      this.kick(topic)
    })
    this.#running.add(done)
  }

  async #call(topic: string, { id, fields }: StreamEntry, deliveries: number): Promise<void> {
    const task: Task = { id, topic, text: fields.get('json') ?? '{}' }
    const plan = planOf(fields.get('plan'))
    const outcome = await this.#outcomeOf(task, plan, deliveries)
    const to = outcome.ok ? 'results' : 'dead'
    const json = outcome.ok
      ? resultJson(id, outcome.body)
      : deadJson(task, plan, outcome, new Date().toISOString())
    const isOurs = await this.#finish({ topic, id, to, json })
    if (!isOurs) return
    this.#options.count(topic, 'mesh', outcome.ok ? 'answered' : 'dead')
    if (!outcome.ok) {
      this.#options.log.warn('a task went to the dead letters', { topic, task: id, reason: outcome.error })
    }
  }

  async #outcomeOf(task: Task, plan: CallPlan | null, deliveries: number): Promise<CallOutcome> {
    if (plan === null) return { ok: false, status: null, error: 'it does not say which service to call' }
    if (deliveries > MOST_DELIVERIES) {
      return { ok: false, status: null, error: `operators ended ${MOST_DELIVERIES} times during the call` }
    }
    const { signal } = this.#stopping
    return await callTask(this.#options.callService, task, plan, { isMirror: false, signal })
  }

  /** Until Redis takes it, or the operator ends. */
  async #finish(what: Parameters<typeof finishCall>[1]): Promise<boolean> {
    const { signal } = this.#stopping
    for (let attempt = 0; ; attempt++) {
      try {
        return await finishCall(this.#options.run, what)
      } catch (error) {
        if (signal.aborted) return false
        const { topic, id: task } = what
        this.#options.log.debug('an answer waits for Redis', {
          topic,
          task,
          reason: (error as Error).message,
        })
        await delay(backoffMs(attempt, FINISH_RETRY, Math.random()), undefined, { signal, ref: false }).catch(
          () => {}, // the operator ends: one more try
        )
      }
    }
  }
}

function planOf(text: string | undefined): CallPlan | null {
  if (text === undefined) return null
  try {
    return JSON.parse(text) as CallPlan
  } catch {
    return null // written by somebody else
  }
}

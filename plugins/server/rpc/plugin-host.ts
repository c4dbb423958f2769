import type { Logger } from '../../../operator/telemetry/logger.ts'
import type { Next } from '../form/pdk-calls.ts'
import type { LoadedPlugin } from '../form/plugin-module.ts'
import { type RpcErrorKind, RpcStats } from '../metrics/rpc-stats.ts'
import { ProtocolError } from '../msgpack/protocol-error.ts'
import { ASKED, type EventHost, EventRun } from './event-run.ts'
import { EventTable } from './event-table.ts'
import type { InstanceTable } from './instance-table.ts'
import { LogLimiter } from './log-limiter.ts'
import { answerManagement, type Lately, noInstance } from './management.ts'
import { errorReply } from './reply.ts'
import { METHODS, type Method, type ReplyTarget, type RpcRequest } from './request.ts'
import { TimeLimit } from './time-limit.ts'

export interface HostOptions {
  readonly plugins: ReadonlyMap<string, LoadedPlugin>
  readonly instances: InstanceTable
  readonly log: Logger
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** Seconds since 1970. */
  readonly seconds: () => number
  /** How long a handler may keep a request waiting, ms. Default 50. */
  readonly handlerLimitMs?: number
  /** After how long without a step an event is forgotten, ms. Default 60 000. */
  readonly eventTtlMs?: number
  /** How many events may wait for a step. Default 16 384. */
  readonly maxOpenEvents?: number
  /** After how long without use an instance is forgotten, ms. Default one hour. */
  readonly instanceTtlMs?: number
  /** What GetStatus reports; this process's own id by default. */
  readonly pid?: number
  /** Id of the first event. Two processes that follow each other must not give out the same. Default 0. */
  readonly firstEventId?: number
}

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS)
/** By the name in a message. A text cut out of that would have to be looked up by its characters, again and again. */
const STEPS: ReadonlyMap<string, Method> = new Map(
  METHODS.filter((method) => method.startsWith('Step')).map((method) => [`plugin.${method}`, method]),
)

/** Answers Kong: dispatches requests of all connections, and keeps the events that Kong may step. */
export class PluginHost implements EventHost {
  readonly plugins: ReadonlyMap<string, LoadedPlugin>
  readonly instances: InstanceTable
  readonly events: EventTable
  readonly stats: ReadonlyMap<string, RpcStats>
  readonly lately: ReadonlyMap<string, Lately>
  readonly handlerLimitMs: number
  readonly now: () => number
  /** Messages of Kong. */
  calls = 0
  readonly #seconds: () => number
  readonly #log: LogLimiter
  readonly #limit: TimeLimit
  readonly #eventTtlMs: number
  readonly #instanceTtlMs: number
  readonly #pid: number
  #nextEventId: number

  constructor({
    plugins,
    instances,
    log,
    now,
    seconds,
    handlerLimitMs = 50,
    eventTtlMs = 60_000,
    maxOpenEvents = 16_384,
    instanceTtlMs = 3_600_000,
    pid = process.pid,
    firstEventId = 0,
  }: HostOptions) {
    this.plugins = plugins
    this.instances = instances
    this.stats = new Map([...plugins.keys()].map((name) => [name, new RpcStats()]))
    this.lately = new Map([...plugins.keys()].map((name) => [name, { started: 0, closed: 0 }]))
    this.handlerLimitMs = handlerLimitMs
    this.now = now
    this.#seconds = seconds
    this.#log = new LogLimiter(log)
    this.#limit = new TimeLimit(now)
    this.#eventTtlMs = eventTtlMs
    this.#instanceTtlMs = instanceTtlMs
    this.#pid = pid
    this.#nextEventId = firstEventId >>> 0
    this.events = new EventTable(maxOpenEvents, (run, reason) => this.count(run.plugin, `event_${reason}`))
  }

  /** Answers one message. @returns false when it is none of the protocol. */
  handle(target: ReplyTarget, message: unknown, now: number): boolean {
    if (!Array.isArray(message)) return false
    this.calls++
    const type: unknown = message[0]
    const messageId: unknown = message[1]
    const name: unknown = message[2]
    // Responses and notifications: we ask nothing, so there is nothing to say.
    if (type === 1 || type === 2) return true
    if (type !== 0 || typeof name !== 'string' || (typeof messageId === 'object' && messageId !== null))
      return false
    const args: readonly unknown[] = Array.isArray(message[3]) ? message[3] : []
    if (name === 'plugin.HandleEvent') {
      this.#handleEvent({ target, messageId, method: 'HandleEvent', now }, args[0])
      return true
    }
    const method = STEPS.get(name)
    if (method !== undefined) this.#step({ target, messageId, method, now }, args[0])
    else this.#answerOther({ target, messageId, method: 'other', now }, name, args)
    return true
  }

  waiting(run: EventRun): void {
    this.#limit.add(run)
  }

  answered(run: EventRun): void {
    this.#limit.remove(run)
    if (run.isOver) this.events.remove(run)
  }

  late(run: EventRun): void {
    this.count(run.plugin, 'handler_late')
    const { plugin, phase } = run
    const message = `handler took longer than ${this.handlerLimitMs} ms; the request goes on without it`
    this.#log.warn(`late ${plugin}.${phase}`, this.now(), message, { plugin, phase })
  }

  count(plugin: string, kind: RpcErrorKind): void {
    const stats = this.stats.get(plugin)
    if (stats) stats.errors[kind]++
  }

  /** A connection of `plugin` was dropped because of `error`. */
  dropped(plugin: string, error: unknown): void {
    if (error instanceof ProtocolError) {
      this.count(plugin, error.code === 'TOO_LARGE' ? 'too_large' : 'not_msgpack')
      this.#log.warn(`dropped ${plugin}`, this.now(), 'connection dropped', { plugin, reason: error.message })
    } else {
      this.count(plugin, 'bad_request')
      const { stack, message } = error as Error
      this.#log.warn(`broken ${plugin}`, this.now(), 'request failed', { plugin, error: stack ?? message })
    }
  }

  /** Forgets what nobody needs any more. To be called every second or so. */
  sweep(): void {
    const now = this.now()
    this.events.expire(now, this.#eventTtlMs)
    this.instances.expire(now, this.#instanceTtlMs)
  }

  stop(): void {
    this.#limit.stop()
  }

  #handleEvent(request: RpcRequest, argument: unknown): void {
    const { InstanceId: id, EventName: phase } = (argument ?? {}) as Readonly<Record<string, unknown>>
    if (id === undefined || id === null) {
      // Requests that found the plugin reconfigured at the same moment: Kong gives some of them no instance. Told that
      // there is none, it would start those of every entity anew; so this request goes on alone.
      this.#refuse(request, 'unknown_instance', 'an event for no instance')
      return
    }
    const instance = this.instances.forEvent(id)
    if (!instance) {
      this.#refuse(request, 'unknown_instance', noInstance(id))
      return
    }
    instance.lastUsedAt = request.now
    const eventId = this.#nextEventId
    this.#nextEventId = (eventId + 1) >>> 0
    const event = { id: eventId, plugin: instance.record.plugin, phase: String(phase) }
    const run = new EventRun(this, event, request)
    try {
      this.#settle(run, instance.run(event.phase, run))
    } catch (error) {
      this.failed(run, error)
    }
    if (run.isOver) return
    this.events.add(run)
    if (run.isAsked) this.#limit.add(run)
  }

  goOn(run: EventRun, next: Next, result: unknown): void {
    try {
      this.#settle(run, next(result))
    } catch (error) {
      this.failed(run, error)
    }
  }

  /** What a handler has answered, or whoever went on for it. */
  #settle(run: EventRun, answer: unknown): void {
    if (answer === ASKED) return
    if (!isThenable(answer)) run.finish()
    else {
      answer.then(
        () => run.finish(),
        (error) => this.failed(run, error),
      )
    }
  }

  failed(run: EventRun, error: unknown): void {
    const { plugin, phase, isOver } = run
    run.finish()
    // After its end, a rejected call only tells the handler to stop.
    if (isOver) return
    this.count(plugin, 'handler_threw')
    const message = 'handler failed; the request goes on without it'
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#log.warn(`threw ${plugin}.${phase}`, this.now(), message, { plugin, phase, error: reason })
  }

  #step(request: RpcRequest, argument: unknown): void {
    const { EventId: id, Data: data } = (argument ?? {}) as Readonly<Record<string, unknown>>
    const run = this.events.get(id)
    if (!run) this.#refuse(request, 'unknown_event', `event id ${String(id)} not found`)
    else if (run.isAsked) this.#refuse(request, 'bad_request', `event id ${String(id)} awaits no step`)
    else run.step({ data, isError: request.method === 'StepError' }, request)
  }

  #answerOther(request: RpcRequest, name: string, args: readonly unknown[]): void {
    const dot = name.indexOf('.')
    const namespace = dot < 0 ? name : name.slice(0, dot)
    if (namespace !== 'plugin') {
      this.#refuse(request, 'unknown_method', `RPC for ${namespace} is not supported`)
      return
    }
    const method = name.slice(dot + 1)
    const at = { now: request.now, seconds: this.#seconds(), pid: this.#pid }
    const answer = answerManagement(this, { method, messageId: request.messageId, args }, at)
    const known = { ...request, method: KNOWN_METHODS.has(method) ? (method as Method) : ('other' as const) }
    if (answer === null) this.#refuse(request, 'unknown_method', `method ${method} not implemented`)
    else if (typeof answer === 'string') this.#refuse(known, kindOf(answer), answer)
    else request.target.reply(known, answer, this.now() - request.now)
  }

  #refuse(request: RpcRequest, kind: RpcErrorKind, text: string): void {
    this.count(request.target.plugin, kind)
    request.target.reply(request, errorReply(request.messageId, text), this.now() - request.now)
  }
}

function kindOf(text: string): RpcErrorKind {
  return text.startsWith('no plugin instance') ? 'unknown_instance' : 'bad_request'
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

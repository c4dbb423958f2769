import type { Next } from '../form/pdk-calls.ts'
import { callReply, encodeCall, encodedCallReply, endReply } from './reply.ts'
import type { RpcRequest } from './request.ts'
import type { Limited } from './time-limit.ts'

/** What an event needs of its server. */
export interface EventHost {
  now(): number
  /** How long a handler may keep Kong waiting in all, in ms; time that Kong takes for PDK calls does not count. */
  readonly handlerLimitMs: number
  /** Kong waits for `run` from now on. */
  waiting(run: EventRun): void
  /** `run` has answered; no step can come any more when it is over. */
  answered(run: EventRun): void
  /** The handler goes on with the result of a call that it asked for. */
  goOn(run: EventRun, next: Next, result: unknown): void
  /** The call that the handler asked for was refused. */
  failed(run: EventRun, error: unknown): void
  /** The handler did not answer in time; Kong goes on without it. */
  late(run: EventRun): void
}

/** What a PDK call may reject with: Kong's refusal, or that nobody waits for the event any more. */
export class PdkError extends Error {
  readonly code: 'PDK_FAILED' | 'EVENT_OVER'

  constructor(code: PdkError['code'], message: string) {
    super(message)
    this.name = 'PdkError'
    this.code = code
  }
}

/** After these Kong ends the request and sends no step. */
const FINAL_METHODS: ReadonlySet<string> = new Set(['kong.response.exit', 'kong.response.error'])

/** What a handler answers that has asked: it is not through. */
export const ASKED = Symbol('asked')

interface Caller {
  readonly method: string
  readonly promise: Promise<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/**
 * One event: Kong asks, and is answered either "ret" or a PDK call, whose result it brings with the next step. A
 * handler may make calls without awaiting them; they are handed out one by one, in order, and the end comes last.
 */
export class EventRun implements Limited {
  readonly id: number
  readonly plugin: string
  readonly phase: string
  /** Belong to the tables that the event is in. */
  nextInSlot: EventRun | null = null
  placeInLimit = -1
  readonly #host: EventHost
  #request: RpcRequest
  #isAsked = true
  #spentMs = 0
  #allowedMs = 0
  #callers: Caller[] | null = null
  /** Who goes on with the next result instead of a caller, and of what method. */
  #next: Next | null = null
  #method = ''
  /** Answers that Kong has not asked for yet; null is the end. */
  #outbox: (Uint8Array | null)[] | null = null
  /** Nothing more is sent: ended, exited, late or abandoned. */
  #isClosed = false
  #isExiting = false

  constructor(
    host: EventHost,
    event: { readonly id: number; readonly plugin: string; readonly phase: string },
    request: RpcRequest,
  ) {
    this.id = event.id
    this.plugin = event.plugin
    this.phase = event.phase
    this.#host = host
    this.#request = request
  }

  get isOver(): boolean {
    return this.#isClosed
  }

  /** Whether Kong waits for an answer now. */
  get isAsked(): boolean {
    return this.#isAsked
  }

  /** When Kong asked last, in ms of the host's clock. */
  get askedAt(): number {
    return this.#request.now
  }

  get deadline(): number {
    return this.#request.now + this.#host.handlerLimitMs + this.#allowedMs - this.#spentMs
  }

  /** The handler means to keep Kong waiting so much longer. */
  allow(ms: number): void {
    this.#allowedMs += ms
  }

  /** Hands a PDK call to Kong. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.#isClosed || this.#isExiting) return Promise.reject(this.#overError(method))
    const isFinal = FINAL_METHODS.has(method)
    let reply: Uint8Array
    try {
      reply = this.#isAsked
        ? callReply(this.#request.messageId, { method, args }, this.id)
        : encodeCall({ method, args })
    } catch (error) {
      return Promise.reject(error)
    }
    this.#isExiting = isFinal
    const result = isFinal ? Promise.resolve() : this.#expectResult(method)
    if (this.#isAsked) this.#send(reply, isFinal)
    else this.#queue(reply)
    return result
  }

  /**
   * A call whose result goes to `next` at once; the handler has to answer with what this answers.
   * @throws PdkError when nobody waits any more, TypeError when an argument cannot be sent.
   */
  ask(method: string, args: readonly unknown[], next: Next): typeof ASKED {
    if (this.#isClosed || this.#isExiting || !this.#isAsked) throw this.#overError(method)
    const isFinal = FINAL_METHODS.has(method)
    const reply = callReply(this.#request.messageId, { method, args }, this.id)
    this.#isExiting = isFinal
    this.#next = next
    this.#method = method
    this.#send(reply, isFinal)
    return ASKED
  }

  /** The handler is through. */
  finish(): void {
    if (this.#isExiting || this.#isClosed) return
    if (this.#isAsked) this.#end()
    else this.#queue(null)
  }

  /** Kong brings the result of the call it made, or why it failed, and asks what is next. */
  step(result: { readonly data: unknown; readonly isError: boolean }, request: RpcRequest): void {
    this.#request = request
    this.#isAsked = true
    const next = this.#next
    if (next !== null) {
      this.#goOn(next, result)
      return
    }
    const caller = this.#callers?.shift()
    if (caller && result.isError) {
      refuse(caller, refusal(caller.method, result.data))
    } else caller?.resolve(result.data)
    if (this.#outbox?.length) this.#sendQueued(this.#outbox)
    else this.#host.waiting(this)
  }

  /** The time is up. */
  onLate(): void {
    this.#host.late(this)
    this.#end()
  }

  /** Nobody will step this event any more: lets a handler that waits for one come to its end. */
  abandon(): void {
    this.#isClosed = true
    this.#rejectCallers()
  }

  #goOn(next: Next, result: { readonly data: unknown; readonly isError: boolean }): void {
    this.#next = null
    if (result.isError) this.#host.failed(this, refusal(this.#method, result.data))
    else this.#host.goOn(this, next, result.data)
    if (this.#isAsked && !this.#isClosed) this.#host.waiting(this)
  }

  #expectResult(method: string): Promise<unknown> {
    let resolve!: Caller['resolve']
    let reject!: Caller['reject']
    const promise = new Promise((yes, no) => {
      resolve = yes
      reject = no
    })
    const caller = { method, promise, resolve, reject }
    if (this.#callers === null) this.#callers = [caller]
    else this.#callers.push(caller)
    return promise
  }

  #queue(answer: Uint8Array | null): void {
    if (this.#outbox === null) this.#outbox = [answer]
    else this.#outbox.push(answer)
  }

  #sendQueued(outbox: (Uint8Array | null)[]): void {
    const body = outbox.shift() ?? null
    if (body === null) this.#end()
    else {
      const reply = encodedCallReply(this.#request.messageId, body, this.id)
      this.#send(reply, this.#isExiting && outbox.length === 0)
    }
  }

  #end(): void {
    this.#send(endReply(this.#request.messageId, this.id), true)
  }

  #send(reply: Uint8Array, isLast: boolean): void {
    this.#isAsked = false
    const request = this.#request
    const ms = this.#host.now() - request.now
    this.#spentMs += ms
    this.#isClosed = isLast
    request.target.reply(request, reply, ms)
    this.#host.answered(this)
    if (isLast) this.#rejectCallers()
  }

  #rejectCallers(): void {
    const callers = this.#callers
    this.#callers = null
    this.#outbox = null
    for (const caller of callers ?? []) refuse(caller, this.#overError(caller.method))
  }

  #overError(method: string): PdkError {
    return new PdkError(
      'EVENT_OVER',
      `PDK method ${method} cannot be called: the request has gone on without this plugin`,
    )
  }
}

const refusal = (method: string, why: unknown): PdkError =>
  new PdkError('PDK_FAILED', `PDK method ${method} failed:  ${String(why)}`)

/** A handler that did not await its call must not end the process by it. */
function refuse({ promise, reject }: Caller, error: Error): void {
  promise.catch(() => {})
  reject(error)
}

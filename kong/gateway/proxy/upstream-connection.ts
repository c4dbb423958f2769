import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ResponseHead } from './parse-response-head.ts'
import { ResponseParser, type ResponseSink } from './response-parser.ts'

/** Why an exchange failed, in the terms in which retries are decided. */
export type ExchangeFailure = 'error' | 'timeout' | 'invalid'

export interface Exchange {
  readonly method: string
  /** Request head with its blank line, as a byte string. */
  readonly head: string
  readonly readTimeoutMs: number
  readonly writeTimeoutMs: number
  onHead(head: ResponseHead): void
  onBody(chunk: Buffer, isLast: boolean): void
  onEnd(): void
  /** Called at most once, and never after `onEnd`. */
  onFailure(failure: ExchangeFailure): void
}

/** One connection to an upstream, carrying one exchange at a time. */
export class UpstreamConnection implements ResponseSink {
  readonly socket: Socket | TLSSocket
  readonly poolKey: string
  /** Exchanges served before the current one: above 0 the connection came from the pool. */
  served = 0
  readonly #parser = new ResponseParser()
  #exchange: Exchange | null = null
  #bodySent = true
  #isTunnel = false
  #timeoutMs = 0
  #writtenBefore = 0
  #readBefore = 0
  readonly #onIdle: (connection: UpstreamConnection) => void
  readonly #onGone: (connection: UpstreamConnection) => void

  constructor(
    socket: Socket | TLSSocket,
    poolKey: string,
    onIdle: (connection: UpstreamConnection) => void,
    onGone: (connection: UpstreamConnection) => void,
  ) {
    this.socket = socket
    this.poolKey = poolKey
    this.#onIdle = onIdle
    this.#onGone = onGone
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#closed())
    socket.on('error', () => this.#fail('error'))
    socket.on('close', () => {
      this.#closed()
      this.#onGone(this)
    })
    socket.on('timeout', () => (this.#exchange ? this.#fail('timeout') : socket.destroy()))
  }

  get isUsable(): boolean {
    return !this.socket.destroyed && this.socket.readable && this.socket.writable
  }

  /** Of the current exchange, or the last one. */
  get bytesSent(): number {
    return this.socket.bytesWritten - this.#writtenBefore
  }

  get bytesReceived(): number {
    return this.socket.bytesRead - this.#readBefore
  }

  /** Starts an exchange. With `hasBody`, the caller writes the body with `write` and ends it with `bodyDone`. */
  begin(exchange: Exchange, body: Buffer | null, hasBody: boolean): void {
    this.#exchange = exchange
    this.#writtenBefore = this.socket.bytesWritten
    this.#readBefore = this.socket.bytesRead
    this.#parser.reset(this, exchange.method)
    this.#bodySent = !hasBody
    this.setTimeout(hasBody ? exchange.writeTimeoutMs : exchange.readTimeoutMs)
    if (body) {
      this.socket.cork()
      this.socket.write(exchange.head, 'latin1')
      this.socket.write(body)
      this.socket.uncork()
    } else {
      this.socket.write(exchange.head, 'latin1')
    }
  }

  /** False: wait for 'drain' before writing more. */
  write(chunk: Buffer | string): boolean {
    return this.socket.write(chunk as Buffer)
  }

  bodyDone(): void {
    this.#bodySent = true
    if (this.#exchange) this.setTimeout(this.#exchange.readTimeoutMs)
  }

  /** Inactivity after which the exchange fails with 'timeout', or an idle connection is closed. */
  setTimeout(ms: number): void {
    if (ms === this.#timeoutMs) return
    this.#timeoutMs = ms
    this.socket.setTimeout(ms)
  }

  /** Ends the exchange without an outcome, as when the client went away. */
  abandon(): void {
    this.#exchange = null
    this.socket.destroy()
  }

  /** Hands the socket over after a 101, with the bytes that came with its head. */
  takeOver(): { socket: Socket; rest: Buffer | null } {
    this.#exchange = null
    this.#isTunnel = true
    this.socket.removeAllListeners('data')
    this.socket.removeAllListeners('end')
    this.socket.removeAllListeners('timeout')
    this.#timeoutMs = 0
    this.socket.setTimeout(0)
    return { socket: this.socket, rest: this.#parser.takeRest() }
  }

  onHead(head: ResponseHead): void {
    this.#exchange?.onHead(head)
  }

  onBody(chunk: Buffer, isLast: boolean): void {
    this.#exchange?.onBody(chunk, isLast)
  }

  onEnd(): void {
    const exchange = this.#exchange
    if (!exchange) return
    this.#exchange = null
    this.served++
    // The bytes of a whole response may be followed by others; the parser says so only after this call.
    const reusable = this.#parser.keepAlive && this.#bodySent && this.isUsable
    if (reusable) this.#onIdle(this)
    else this.socket.end()
    exchange.onEnd()
  }

  #receive(chunk: Buffer): void {
    if (!this.#exchange) {
      // An idle connection has nothing to say: what comes now would be taken for the next answer.
      this.socket.destroy()
      return
    }
    try {
      this.#parser.push(chunk)
      if (this.#parser.isDone && !this.#parser.keepAlive && !this.#exchange && !this.#isTunnel) {
        this.socket.destroy()
      }
    } catch {
      // Not HTTP, or something in it that cannot be passed on: the same to whoever asked.
      this.#fail('invalid')
    }
  }

  #closed(): void {
    if (this.#exchange && this.#parser.close()) return
    this.#fail('error')
  }

  #fail(failure: ExchangeFailure): void {
    const exchange = this.#exchange
    this.#exchange = null
    this.socket.destroy()
    exchange?.onFailure(failure)
  }
}

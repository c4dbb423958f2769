import type { Socket } from 'node:net'
import type { RpcStats } from '../metrics/rpc-stats.ts'
import { ProtocolError } from '../msgpack/protocol-error.ts'
import { FrameReader } from './frame-reader.ts'
import type { PluginHost } from './plugin-host.ts'
import type { ReplyTarget, RpcRequest } from './request.ts'

export interface ConnectionOptions {
  /** Name of the plugin whose socket it is. */
  readonly plugin: string
  /** Largest message that is read, and how much may wait to be read by the peer. Default 8 MiB. */
  readonly maxMessageBytes?: number
  /** After this long Kong may have given up waiting for a reply, ms. Default 400. */
  readonly lateAfterMs?: number
  /**
   * The same for the start of an instance, default `lateAfterMs`. Without a reply Kong goes on with an event, and
   * answers 500 to the start of an instance: that one is worth more of a risk.
   */
  readonly startLateAfterMs?: number
  /** For how long what comes in at `now` may have waited for this process to read it, ms. Default 0. */
  readonly waitedMs?: (now: number) => number
  readonly onClose?: () => void
  /** Runs what touches the socket, in order; at once by default. */
  readonly later?: (action: () => void) => void
}

const PREFIX = 'plugin.'
/** A new connection was made for a request, which may be on its way for so long. */
const FIRST_MS = 1_000
/** What was read may have waited for longer than in an idle process. */
const STRAINED_MS = 20
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024

/** An answer on its way out. */
interface Unsent {
  readonly messageId: unknown
  readonly bytes: Uint8Array
  /** It is not sent when its question is older than this, in ms. */
  readonly limitMs: number
}

/** One connection of Kong's. Nothing that comes on it can end the process. */
export class Connection implements ReplyTarget {
  readonly plugin: string
  readonly #socket: Socket
  readonly #host: PluginHost
  readonly #stats: RpcStats | undefined
  readonly #reader: FrameReader
  readonly #maxBytes: number
  readonly #lateAfterMs: number
  readonly #startLateAfterMs: number
  readonly #waitedMs: (now: number) => number
  readonly #later: (action: () => void) => void
  #latest: unknown
  /**
   * Kong awaits no answer to a message before this one. A busy Kong gives up long before its read timeout, which it
   * counts from the beginning of its turn, and then a message and the next one on its connection are read together.
   * It numbers messages over all its connections, so others lie between the two; a peer that sends several without
   * waiting numbers them one by one, and gets all its answers.
   */
  #awaited = 0
  /** There is work enough for more than a moment: what is answered goes out before anything else is read. */
  #isStrained = false
  /** When Kong may have sent what was read last, by the host's clock. */
  #sentAt = 0
  /** When it was read. */
  #readAt = 0
  #unanswered = 0
  /** Nearly always one: a list made for it costs less than one that is emptied. */
  #unsent: Unsent[] | null = null
  #isEnding = false
  #isRetiring = false

  constructor(socket: Socket, host: PluginHost, options: ConnectionOptions) {
    const { plugin, maxMessageBytes = DEFAULT_MAX_BYTES, lateAfterMs = 400 } = options
    const { waitedMs = () => 0, onClose = () => {}, later = (action) => action() } = options
    this.plugin = plugin
    this.#socket = socket
    this.#host = host
    this.#maxBytes = maxMessageBytes
    this.#lateAfterMs = lateAfterMs
    this.#startLateAfterMs = options.startLateAfterMs ?? lateAfterMs
    this.#waitedMs = waitedMs
    this.#later = later
    this.#reader = new FrameReader(maxMessageBytes)
    this.#readAt = host.now() + FIRST_MS
    const stats = host.stats.get(plugin)
    this.#stats = stats
    if (stats) stats.connections++
    // It was held back until now.
    socket.resume()
    // A peer that has sent its last request still gets its answer.
    socket.allowHalfOpen = true
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.endWhenIdle())
    // Peers go when they like; `close` follows.
    socket.on('error', () => {})
    socket.on('close', () => {
      if (stats) stats.connections--
      onClose()
    })
  }

  /** Ends the connection right behind its next answer: ended at another time it might cross a request of Kong's. */
  retire(): void {
    this.#isRetiring = true
  }

  /** Ends the connection after the answers that are due. */
  endWhenIdle(): void {
    this.#isEnding = true
    if (this.#unanswered === 0) this.#later(() => this.#socket.end())
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** When something came in last, by the host's clock, and for a new one a second from its begin; null while an answer is due. */
  get idleSince(): number | null {
    return this.#unanswered === 0 ? this.#readAt : null
  }

  reply(request: RpcRequest, bytes: Uint8Array, ms: number): void {
    this.#unanswered--
    this.#stats?.latencies[request.method].record(ms)
    // Kong has one request on a connection. When a newer one came in later, it has stopped waiting for this answer,
    // and would take it for the newer one's: the client would get a 500.
    const limitMs = this.#limitOf(request.method)
    if (ms > limitMs && this.#latest !== request.messageId) {
      this.#host.count(this.plugin, 'late_reply')
    } else {
      const { messageId } = request
      const isLatest = this.#latest === messageId
      this.#send({ messageId, bytes, limitMs: isLatest ? limitMs : Number.POSITIVE_INFINITY })
    }
    // An instance that was started is used at once, on this same connection.
    const isRetired = this.#isRetiring && request.method !== 'StartInstance'
    if ((this.#isEnding || isRetired) && this.#unanswered === 0) this.#later(() => this.#socket.end())
  }

  #limitOf(method: unknown): number {
    return method === 'StartInstance' ? this.#startLateAfterMs : this.#lateAfterMs
  }

  #send(answer: Unsent): void {
    if (this.#unsent !== null) this.#unsent.push(answer)
    else {
      this.#unsent = [answer]
      if (!this.#isStrained) this.#later(this.#flush)
    }
    if (this.#isStrained) this.#flush()
  }

  readonly #flush = (): void => {
    const unsent = this.#unsent ?? []
    this.#unsent = null
    for (const answer of unsent) this.#write(answer)
  }

  #write({ messageId, bytes, limitMs }: Unsent): void {
    const socket = this.#socket
    if (!socket.writable) return
    if (typeof messageId === 'number' && messageId < this.#awaited) {
      this.#host.count(this.plugin, 'late_reply')
      return
    }
    // Kong has stopped waiting, or is about to. It keeps the connection for another request, which must not find this.
    if (this.#host.now() - this.#sentAt > limitMs) {
      this.#host.count(this.plugin, 'late_reply')
      socket.destroy()
      return
    }
    socket.write(bytes)
    if (socket.writableLength <= this.#maxBytes) return
    this.#host.count(this.plugin, 'slow_peer')
    socket.destroy()
  }

  #read(chunk: Buffer): void {
    const now = this.#host.now()
    const waitedMs = this.#waitedMs(now)
    this.#readAt = now
    this.#sentAt = now - waitedMs
    this.#isStrained = waitedMs > STRAINED_MS
    try {
      if (this.#isStrained) this.#readStrained(chunk, waitedMs)
      else this.#reader.read(chunk, this.#receive)
    } catch (error) {
      this.#host.dropped(this.plugin, error)
      this.destroy()
    }
  }

  /** Looks at all that has come before anything is answered. */
  #readStrained(chunk: Buffer, waitedMs: number): void {
    const messages: unknown[] = []
    this.#reader.read(chunk, (message) => messages.push(message) > 0)
    for (const message of messages) {
      const { 1: id } = (message ?? {}) as { 1?: unknown }
      if (typeof id === 'number' && id !== (this.#latest as number) + 1) this.#awaited = id
      this.#latest = id
    }
    for (const message of messages) {
      const isTooLate = waitedMs > this.#limitOf(methodOf(message))
      if (isTooLate) {
        this.#host.count(this.plugin, 'late_reply')
        this.destroy()
      }
      if (isTooLate || !this.#receive(message)) return
    }
  }

  readonly #receive = (message: unknown): boolean => {
    this.#unanswered++
    if (!this.#isStrained) this.#latest = (message as { 1?: unknown } | null)?.[1]
    const isRequest = (message as { 0?: unknown } | null)?.[0] === 0
    if (!this.#host.handle(this, message, this.#readAt)) {
      throw new ProtocolError('NOT_RPC', 'a message is no request of the plugin protocol')
    }
    if (!isRequest) this.#unanswered--
    return !this.#socket.destroyed
  }
}

function methodOf(message: unknown): string {
  const name = (message as { 2?: unknown } | null)?.[2]
  return typeof name === 'string' ? name.slice(PREFIX.length) : ''
}

/**
 * Calls to one plugin server over its unix socket, as Kong makes them: one call at a time on a connection, which goes
 * back to a pool after the answer. Only one call can be on the wire, so the bytes after an answer are nobody's.
 * Source of the rules: kong/runloop/plugin_servers/rpc/mp_rpc.lua and the recordings in test/fixtures/golden/.
 */
import net from 'node:net'
import { type Packable, pack } from './message-pack.ts'
import { MalformedMessage, type Unpacked, unpack } from './message-unpack.ts'

/** `failure` when nothing came back (Kong: "no data", or why it could not connect), `refused` when the server says no. */
export type Reply =
  | { readonly kind: 'result'; readonly result: Unpacked }
  | { readonly kind: 'refused'; readonly error: string }
  | { readonly kind: 'failure'; readonly error: string }

/** Something came back that cannot be the answer: in Kong an assertion ends the handler with it. */
export class ProtocolViolation extends Error {}

/** Idle connections kept (Kong: lua_socket_pool_size), and for how long (nginx: lua_socket_keepalive_timeout). */
const POOL_SIZE = 256
const IDLE_MS = 60_000

export class RpcConnections {
  readonly #socketPath: string
  readonly #readTimeoutMs: number
  /** The one used last is used next. */
  readonly #idle: RpcConnection[] = []
  readonly #open = new Set<RpcConnection>()
  #lastId = 0
  #isClosed = false

  constructor(socketPath: string, readTimeoutMs: number) {
    this.#socketPath = socketPath
    this.#readTimeoutMs = readTimeoutMs
  }

  /** Rejects with ProtocolViolation only. */
  async call(method: string, args: readonly Packable[]): Promise<Reply> {
    if (this.#isClosed) return { kind: 'failure', error: 'closed' }
    const id = ++this.#lastId
    let connection: RpcConnection
    try {
      connection = this.#reuse() ?? (await this.#connect())
    } catch (error) {
      return { kind: 'failure', error: reasonOf(error as NodeJS.ErrnoException) }
    }
    const message = await connection.exchange(pack([0, id, method, args]), this.#readTimeoutMs)
    if (message === 'closed') return { kind: 'failure', error: 'no data' }
    if (message === 'garbage') throw new ProtocolViolation('plugin server sent no MessagePack')
    if (message === 'timeout') {
      // Kong keeps the connection although the answer may still come.
      this.#keep(connection)
      return { kind: 'failure', error: 'no data' }
    }
    const [type, answered, error, result] = Array.isArray(message) ? message : []
    if (type !== 1 || answered !== id) {
      connection.destroy()
      throw new ProtocolViolation(
        type === 1
          ? 'unexpected RPC response ID from plugin server'
          : 'RPC response expected from plugin server',
      )
    }
    this.#keep(connection)
    if (error !== null && error !== undefined) return { kind: 'refused', error: String(error) }
    return { kind: 'result', result: result ?? null }
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#open) connection.destroy()
  }

  #reuse(): RpcConnection | undefined {
    let connection = this.#idle.pop()
    while (connection && !connection.isUsable) connection = this.#idle.pop()
    return connection
  }

  #connect(): Promise<RpcConnection> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ path: this.#socketPath })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        const connection = new RpcConnection(socket, () => this.#forget(connection))
        this.#open.add(connection)
        resolve(connection)
      })
    })
  }

  #keep(connection: RpcConnection): void {
    if (!connection.isUsable) return
    if (this.#idle.length >= POOL_SIZE) {
      this.#idle.shift()?.destroy()
    }
    connection.rest(IDLE_MS)
    this.#idle.push(connection)
  }

  #forget(connection: RpcConnection): void {
    this.#open.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }
}

class RpcConnection {
  readonly #socket: net.Socket
  #received: Buffer = Buffer.alloc(0)
  #settle: ((message: Unpacked | 'closed' | 'timeout' | 'garbage') => void) | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(socket: net.Socket, onClose: () => void) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.destroy())
    socket.on('error', () => this.destroy())
    socket.on('close', () => {
      this.#answer('closed')
      onClose()
    })
  }

  get isUsable(): boolean {
    return !this.#socket.destroyed && this.#socket.writable
  }

  /** Sends one message and waits for the next that comes; `readTimeoutMs` is between two pieces of it. */
  exchange(bytes: Buffer, readTimeoutMs: number): Promise<Unpacked | 'closed' | 'timeout' | 'garbage'> {
    clearTimeout(this.#timer)
    this.#received = Buffer.alloc(0)
    return new Promise((resolve) => {
      this.#settle = resolve
      // nginx reads what has come before it looks at its timers (ngx_process_events_and_timers); Node does it after.
      const expire = () => this.#settle === resolve && this.#answer('timeout')
      this.#timer = setTimeout(() => setImmediate(expire), readTimeoutMs)
      if (this.isUsable) this.#socket.write(bytes)
      else this.#answer('closed')
    })
  }

  /** Closes by itself when it is not used. */
  rest(idleMs: number): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.destroy(), idleMs)
    this.#timer.unref()
  }

  destroy(): void {
    clearTimeout(this.#timer)
    this.#socket.destroy()
    this.#answer('closed')
  }

  #receive(chunk: Buffer): void {
    if (!this.#settle) {
      // nginx closes an idle connection that becomes readable: it is a late answer, or the end.
      this.destroy()
      return
    }
    this.#timer?.refresh()
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    try {
      let message = unpack(this.#received)
      while (message && isNotification(message.value)) {
        this.#received = this.#received.subarray(message.used)
        message = unpack(this.#received)
      }
      if (message) this.#answer(message.value)
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error
      this.#answer('garbage')
      this.destroy()
    }
  }

  #answer(message: Unpacked | 'closed' | 'timeout' | 'garbage'): void {
    const settle = this.#settle
    if (!settle) return
    this.#settle = null
    clearTimeout(this.#timer)
    settle(message)
  }
}

/** `[2, label, args]` may come before an answer; nothing here needs to know. */
const isNotification = (message: Unpacked): boolean => Array.isArray(message) && message[0] === 2

/** In nginx's words. */
function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'no such file or directory'
  if (error.code === 'ECONNREFUSED') return 'connection refused'
  if (error.code === 'EACCES') return 'permission denied'
  return error.message
}

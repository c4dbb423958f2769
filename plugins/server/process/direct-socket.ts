// Node's streams cost more than everything else about a message: a fresh 64 KiB buffer for each read, queues and
// callbacks for each write. Here one buffer serves all reads, and a write goes to libuv at once. Only this file knows
// how; where Node does not have what it needs, sockets stay as they are.
import { Socket } from 'node:net'

/** The parts of libuv's stream handle that are used. `writeBuffer` answers 0 or an error's number. */
interface Handle {
  /** Called after each read; what was read is in the binding's state. */
  onread: (this: Handle, bytes?: unknown) => unknown
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
}

/** Stays with libuv while it still has to write; every other time it is as new afterwards. */
interface WriteRequest {
  oncomplete?: (status: number) => void
  buffer?: Uint8Array
}

interface Binding {
  readonly WriteWrap: new () => WriteRequest
  /** What the last call did, at places that have names. */
  readonly streamBaseState: Int32Array
  readonly kLastWriteWasAsync: number
  readonly kReadBytesOrError: number
}

type Owner = { _handle: Handle | null }

const READ_BYTES = 65_536
const VIEWS = 2_048

const binding = findBinding()
/** Over the same memory: the array that Node itself made is slow to read. */
const state = binding && new Int32Array(binding.streamBaseState.buffer, binding.streamBaseState.byteOffset)
const shared = Buffer.allocUnsafeSlow(READ_BYTES)
/** The first so many bytes of it, by their number: a view costs more to make than a message to decode. */
const views: (Buffer | undefined)[] = Array.from({ length: VIEWS })
let request = binding ? new binding.WriteWrap() : null

/** Whether this Node has what `directSocket` needs. */
export const hasDirectSockets = binding !== null

/**
 * The same connection as a socket that is quicker; `socket` must not be used any more. What its `data` brings is
 * overwritten by the next read, of whatever connection. A write is handed on at once and in order, without the streams'
 * queue: `writableLength` says how much the peer has not taken.
 */
export function directSocket(socket: Socket): Socket {
  const owner = socket as unknown as Owner
  const handle = owner._handle
  if (!binding || typeof handle?.writeBuffer !== 'function' || socket.bytesRead > 0) return socket
  owner._handle = null
  const direct = new DirectSocket(handle)
  // The server counts its connections by the sockets that it made.
  direct.once('close', () => socket.destroy())
  return direct
}

class DirectSocket extends Socket {
  /** Bytes that libuv could not write at once. */
  #waiting = 0

  constructor(handle: Handle) {
    // Socket takes a handle, as Node's own servers give it one; its types do not say so.
    super({ handle, allowHalfOpen: true, onread: { buffer: shared, callback: () => true } } as object)
    const { onread } = handle
    const { kReadBytesOrError } = binding!
    // The end, and errors, are Node's.
    handle.onread = (bytes) => {
      const length = state![kReadBytesOrError]!
      if (length <= 0) return onread.call(handle, bytes)
      this.emit('data', firstOf(length))
    }
  }

  // @ts-expect-error: its types call it a property; it is an accessor there too.
  override get writableLength(): number {
    return this.#waiting
  }

  override write(bytes: Uint8Array | string): boolean {
    const handle = (this as unknown as Owner)._handle
    if (!handle || typeof bytes === 'string') return super.write(bytes)
    const mine = request!
    const error = handle.writeBuffer(mine, bytes)
    if (state![binding!.kLastWriteWasAsync]) this.#keep(mine, bytes)
    if (error !== 0) this.destroy()
    return error === 0
  }

  #keep(mine: WriteRequest, bytes: Uint8Array): void {
    request = new binding!.WriteWrap()
    this.#waiting += bytes.length
    mine.buffer = bytes
    mine.oncomplete = (status) => {
      this.#waiting -= bytes.length
      if (status < 0) this.destroy()
    }
  }
}

function firstOf(length: number): Buffer {
  if (length >= VIEWS) return shared.subarray(0, length)
  let view = views[length]
  if (view === undefined) views[length] = view = shared.subarray(0, length)
  return view
}

function findBinding(): Binding | null {
  try {
    const { binding: load } = process as unknown as { binding(name: string): Partial<Binding> }
    const found = load.call(process, 'stream_wrap')
    const isKnown =
      typeof found.WriteWrap === 'function' &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kLastWriteWasAsync === 'number' &&
      typeof found.kReadBytesOrError === 'number'
    return isKnown ? (found as Binding) : null
  } catch {
    return null
  }
}

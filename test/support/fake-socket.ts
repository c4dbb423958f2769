import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

/** What a connection needs of a socket, without a network: bytes are put in by hand and what is written is kept. */
export class FakeSocket extends EventEmitter {
  writable = true
  destroyed = false
  writableLength = 0
  allowHalfOpen = false
  written: Buffer[] = []

  get asSocket(): Socket {
    return this as unknown as Socket
  }

  /** Bytes from the peer. */
  receive(bytes: Buffer): void {
    if (!this.destroyed) this.emit('data', bytes)
  }

  /** What was written since it was asked last. */
  take(): Buffer {
    const bytes = Buffer.concat(this.written)
    this.written = []
    return bytes
  }

  write(bytes: Uint8Array): boolean {
    // Not a copy: what was written must not be overwritten either.
    this.written.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    return true
  }

  resume(): this {
    return this
  }

  end(): void {
    this.writable = false
    this.destroy()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.emit('close')
  }
}

import { BoundaryScanner } from '../msgpack/boundary-scanner.ts'
import { ByteWriter } from '../msgpack/byte-writer.ts'
import { Decoder, INCOMPLETE } from '../msgpack/decoder.ts'
import { ProtocolError } from '../msgpack/protocol-error.ts'

// One for all connections: a decode is never interrupted.
const decoder = new Decoder()

/**
 * Cuts a stream of bytes into messages: several may come in one chunk, one in many. A message that comes whole, which
 * is nearly all of them, is decoded where it lies. Of one that does not, what there is is kept, at most `maxBytes`.
 */
export class FrameReader {
  readonly #maxBytes: number
  /** What there is of a message that has begun and not ended, and where its end is looked for. */
  #begun: { readonly bytes: ByteWriter; readonly scanner: BoundaryScanner } | null = null

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes of a message that has begun and not ended. */
  get pendingBytes(): number {
    return this.#begun?.bytes.length ?? 0
  }

  /**
   * Calls `onMessage` for each message that is whole now. It answers false to have the rest thrown away.
   * @throws ProtocolError when the bytes are no messages of the protocol or larger than allowed.
   */
  read(chunk: Buffer, onMessage: (message: unknown) => boolean): void {
    let rest = chunk
    if (this.#begun !== null) {
      const end = this.#begun.scanner.scan(rest)
      const bytes = this.#keep(end < 0 ? rest : rest.subarray(0, end))
      if (end < 0) return
      this.#begun = null
      if (!onMessage(decoder.decode(bytes.take(), 0))) return
      rest = rest.subarray(end)
    }
    let at = 0
    while (at < rest.length) {
      expectArray(rest[at]!)
      let message: unknown
      try {
        message = decoder.decode(rest, at)
      } catch (error) {
        if (error !== INCOMPLETE) throw error
        this.#begin(rest.subarray(at))
        return
      }
      at = decoder.position
      if (!onMessage(message)) return
    }
  }

  #begin(tail: Buffer): void {
    const scanner = new BoundaryScanner(this.#maxBytes)
    scanner.scan(tail)
    this.#begun = { bytes: new ByteWriter(Math.max(256, tail.length)), scanner }
    this.#keep(tail)
  }

  /** Copies: a slice would keep the whole 64 KiB chunk alive. */
  #keep(piece: Buffer): ByteWriter {
    const { bytes } = this.#begun!
    if (bytes.length + piece.length > this.#maxBytes) {
      throw new ProtocolError('TOO_LARGE', `a message is larger than ${this.#maxBytes} bytes`)
    }
    bytes.raw(piece)
    return bytes
  }
}

/** Every message is an array, so the first byte already tells somebody who speaks another protocol. */
function expectArray(tag: number): void {
  if ((tag & 0xf0) === 0x90 || tag === 0xdc || tag === 0xdd) return
  throw new ProtocolError('NOT_RPC', `a message starts with byte 0x${tag.toString(16)}, not with an array`)
}

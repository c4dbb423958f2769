import { Writable } from 'node:stream'

const CLEAR = '\r\x1b[2K'

/** A stream of log lines with one line below them that is drawn anew. Where nobody looks there is no such line. */
export class StatusLine extends Writable {
  readonly isTTY: boolean
  readonly #out: NodeJS.WritableStream
  #line = ''

  constructor(out: NodeJS.WritableStream & { readonly isTTY?: boolean }) {
    super({ decodeStrings: false })
    this.#out = out
    this.isTTY = out.isTTY === true
  }

  /** Draws the line; '' takes it away. */
  show(line: string): void {
    if (!this.isTTY || line === this.#line) return
    this.#line = line
    this.#out.write(`${CLEAR}${line}`)
  }

  override _write(
    text: string | Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    if (this.#line === '') this.#out.write(text)
    else this.#out.write(`${CLEAR}${text}${this.#line}`)
    done()
  }
}

import { headEnd, MalformedResponse, parseHead, type ResponseHead } from './parse-response-head.ts'

/** What an upstream answers, piece by piece, in this order: head, any number of chunks, end. */
export interface ResponseSink {
  onHead(head: ResponseHead): void
  /** `isLast` saves a write when a body of known length is complete. */
  onBody(chunk: Buffer, isLast: boolean): void
  onEnd(): void
}

/** Largest head accepted, in bytes; longer ones are invalid responses (502). nginx: proxy_buffer_size, one page. */
const MAX_HEAD_BYTES = 4096
const MAX_LINE_BYTES = 16 * 1024

type State = 'head' | 'length' | 'close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'done'

/** Incremental parser of HTTP/1.x responses on one connection; `reset` before each request. */
export class ResponseParser {
  #state: State = 'done'
  #sink: ResponseSink | null = null
  #pending: Buffer | null = null
  #remaining = 0
  #isHead = false
  #keepAlive = false

  /** `requestMethod` decides whether the answer has a body. */
  reset(sink: ResponseSink, requestMethod: string): void {
    this.#state = 'head'
    this.#sink = sink
    this.#pending = null
    this.#isHead = requestMethod === 'HEAD'
    this.#keepAlive = false
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  get hasHead(): boolean {
    return this.#state !== 'head'
  }

  /** Whether the connection may serve another request. */
  get keepAlive(): boolean {
    return this.#keepAlive
  }

  /** What came after the head of a 101, for the tunnel. */
  takeRest(): Buffer | null {
    const rest = this.#pending
    this.#pending = null
    return rest && rest.length > 0 ? rest : null
  }

  /** Throws MalformedResponse. */
  push(chunk: Buffer): void {
    let data = this.#pending ? Buffer.concat([this.#pending, chunk]) : chunk
    this.#pending = null
    while (data.length > 0) {
      const used = this.#step(data)
      if (used < 0) {
        this.#pending = data
        return
      }
      data = data.subarray(used)
    }
  }

  /** The peer closed: the end of a body without length. True when that completes the response. */
  close(): boolean {
    if (this.#state !== 'close') return false
    this.#finish()
    return true
  }

  /** Bytes used, or -1 when more are needed. */
  #step(data: Buffer): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(data)
      case 'length':
        return this.#readLength(data)
      case 'close':
        this.#sink!.onBody(data, false)
        return data.length
      case 'chunk-size':
        return this.#readChunkSize(data)
      case 'chunk-data':
        return this.#readChunk(data)
      case 'chunk-end':
        return this.#readLine(data, () => {
          this.#state = 'chunk-size'
        })
      case 'trailer':
        return this.#readLine(data, (line) => {
          if (line === '') this.#finish()
        })
      default:
        // Bytes after a complete response: the connection cannot be trusted again.
        this.#keepAlive = false
        this.#pending = data
        return -1
    }
  }

  #readHead(data: Buffer): number {
    const { end, used } = headEnd(data)
    if (end < 0) {
      if (data.length > MAX_HEAD_BYTES) throw new MalformedResponse('response head too large')
      if (data.length > 4 && data[0] !== 0x48) throw new MalformedResponse('not an HTTP response')
      return -1
    }
    if (used > MAX_HEAD_BYTES) throw new MalformedResponse('response head too large')
    const head = parseHead(data.toString('latin1', 0, end), this.#isHead)
    if (head.status < 200 && head.status !== 101) return used
    if (head.status === 101) {
      // What follows belongs to the tunnel, which takes it in onHead.
      this.#pending = data.subarray(used)
      this.#state = 'done'
      this.#sink!.onHead(head)
      return data.length
    }
    this.#keepAlive = head.keepAlive
    if (head.framing === 'length') this.#remaining = head.length
    this.#state =
      head.framing === 'chunked'
        ? 'chunk-size'
        : head.framing === 'length'
          ? 'length'
          : head.framing === 'close'
            ? 'close'
            : 'done'
    const hasBody = this.#state !== 'done' && !(this.#state === 'length' && this.#remaining === 0)
    if (!hasBody) this.#state = 'done'
    this.#sink!.onHead(hasBody ? head : { ...head, framing: head.framing === 'length' ? 'length' : 'none' })
    if (!hasBody) this.#sink!.onEnd()
    return used
  }

  #readLength(data: Buffer): number {
    const used = Math.min(data.length, this.#remaining)
    this.#remaining -= used
    const isLast = this.#remaining === 0
    if (isLast) this.#state = 'done'
    this.#sink!.onBody(used === data.length ? data : data.subarray(0, used), isLast)
    if (isLast) this.#sink!.onEnd()
    return used
  }

  #readChunkSize(data: Buffer): number {
    return this.#readLine(data, (line) => {
      const size = /^\s*([0-9a-fA-F]{1,12})\s*(;.*)?$/.exec(line)
      if (!size) throw new MalformedResponse('invalid chunk size')
      this.#remaining = Number.parseInt(size[1]!, 16)
      this.#state = this.#remaining === 0 ? 'trailer' : 'chunk-data'
    })
  }

  #readChunk(data: Buffer): number {
    const used = Math.min(data.length, this.#remaining)
    this.#remaining -= used
    if (this.#remaining === 0) this.#state = 'chunk-end'
    this.#sink!.onBody(used === data.length ? data : data.subarray(0, used), false)
    return used
  }

  #readLine(data: Buffer, use: (line: string) => void): number {
    const end = data.indexOf(0x0a)
    if (end < 0) {
      if (data.length > MAX_LINE_BYTES) throw new MalformedResponse('line too long')
      return -1
    }
    use(data.toString('latin1', 0, end > 0 && data[end - 1] === 0x0d ? end - 1 : end))
    return end + 1
  }

  #finish(): void {
    this.#state = 'done'
    this.#sink!.onEnd()
  }
}

import type { ServiceRow } from '../router/route-row.ts'
import { answerProxyError, runRespond } from './answer.ts'
import type { Peer } from './choose-peer.ts'
import type { Destination } from './connection-pool.ts'
import type { DataPlane } from './data-plane.ts'
import { buildRequestHead, forwardedValues } from './forward-headers.ts'
import type { ResponseHead } from './parse-response-head.ts'
import { type BufferedBody, bufferBody, hasBody } from './request-body.ts'
import type { RequestContext } from './request-context.ts'
import { framingBytes, LAST_CHUNK_BYTES } from './request-sizes.ts'
import { clientHeaders } from './response-head.ts'
import { replayBody, streamBody } from './send-body.ts'
import { newTry, type TryRecord } from './try-record.ts'
import { startTunnel } from './tunnel.ts'
import type { Exchange, ExchangeFailure, UpstreamConnection } from './upstream-connection.ts'
import { upstreamTls } from './upstream-tls.ts'

/** Methods that nginx does not send twice once a connection was made. */
const SENT_ONCE = new Set(['POST', 'LOCK', 'PATCH'])

/**
 * The tries of one request. Retried, up to `retries` times: no connection (any method, any body), and afterwards a
 * timeout before the answer or a connection that broke, unless the method may not be sent twice or the body was not
 * kept. Never retried: an answer, whatever its status, and bytes that are no HTTP. Rule: nginx proxy_next_upstream
 * "error timeout", as Kong uses it.
 */
export class UpstreamFlow implements Exchange {
  readonly method: string
  readonly readTimeoutMs: number
  readonly writeTimeoutMs: number
  head = ''
  readonly #plane: DataPlane
  readonly #context: RequestContext
  readonly #service: ServiceRow
  readonly #isWebSocket: boolean
  #peer: Peer
  #triesLeft: number
  #body: BufferedBody | null = null
  #streams = false
  #connection: UpstreamConnection | null = null
  #stopConnecting: (() => void) | null = null
  #isSent = false
  #isReused = false
  #tryStartMs = 0
  #record: TryRecord | null = null
  #isOver = false
  readonly #proxyStartMs = performance.now()

  constructor(plane: DataPlane, context: RequestContext, service: ServiceRow, peer: Peer) {
    this.#plane = plane
    this.#context = context
    this.#service = service
    this.#peer = peer
    this.#triesLeft = service.retries
    this.method = context.upstreamMethod
    this.readTimeoutMs = service.read_timeout
    this.writeTimeoutMs = service.write_timeout
    this.#isWebSocket = context.header('upgrade')?.toLowerCase() === 'websocket'
  }

  start(): void {
    const context = this.#context
    context.isProxied = true
    context.response.once('close', () => this.#clientClosed())
    this.#body = context.body
    if (this.#body || context.upgradeHead !== null || !hasBody(context.request)) {
      this.#try()
      return
    }
    if (context.route?.request_buffering === false) {
      this.#streams = true
      this.#try()
      return
    }
    bufferBody(context.request, (body) => {
      if (!body || this.#isOver) return body?.dispose()
      this.#body = body
      context.body = body
      this.#try()
    })
  }

  onHead(head: ResponseHead): void {
    const context = this.#context
    const now = performance.now()
    context.upstreamLatencyMs = now - context.startMs - context.proxyLatencyMs
    context.status = head.status
    context.upstreamHead = head
    this.#record!.status = head.status
    this.#record!.headerMs = now - this.#tryStartMs
    if (head.status === 101) {
      this.#switchProtocols(head)
      return
    }
    runRespond(this.#plane, context, head)
    const { response } = context
    const headers = clientHeaders(context, head, response.shouldKeepAlive)
    response.sendDate = false // the upstream's own Date goes on, and none is made up
    response.writeHead(head.status, head.reason, headers as never)
    context.sentRawHeaders = headers
  }

  onBody(chunk: Buffer, isLast: boolean): void {
    const { response } = this.#context
    this.#record!.bodyBytes += chunk.length
    this.#context.bytesSent += chunk.length + framingBytes(response.chunkedEncoding, chunk.length)
    if (isLast) {
      response.end(chunk)
    } else if (!response.write(chunk)) {
      const connection = this.#connection!
      connection.socket.pause()
      connection.setTimeout(0)
      response.once('drain', () => {
        if (this.#isOver) return
        connection.setTimeout(this.readTimeoutMs)
        connection.socket.resume()
      })
    }
  }

  onEnd(): void {
    const { response } = this.#context
    if (response.chunkedEncoding) this.#context.bytesSent += LAST_CHUNK_BYTES
    if (!response.writableEnded) response.end()
    this.#finish(this.#context.status)
  }

  onFailure(failure: ExchangeFailure): void {
    if (this.#isOver) return
    if (this.#context.response.headersSent) {
      // Part of the answer is out: all that is left to tell the client is a broken connection.
      this.#context.socket.destroy()
      this.#finish(this.#context.status)
      return
    }
    this.#failed(failure)
  }

  #try(): void {
    const context = this.#context
    const now = performance.now()
    context.proxyLatencyMs = now - context.startMs
    this.#tryStartMs = now
    this.#isSent = false
    this.#record = newTry(`${this.#peer.ip}:${this.#peer.port}`)
    context.tries.push(this.#record)
    const host = this.#hostHeader()
    context.sentHost = host
    const destination: Destination = {
      ip: this.#peer.ip,
      port: this.#peer.port,
      connectTimeoutMs: this.#service.connect_timeout,
      tls:
        this.#service.protocol === 'https'
          ? upstreamTls(this.#plane.store, this.#service, this.#peer, host)
          : null,
    }
    const idle = this.#isWebSocket ? null : this.#plane.pool.reuse(destination)
    this.#isReused = idle !== null
    if (idle) {
      this.#record.connectMs = 0
      this.#send(idle, host)
      return
    }
    this.#stopConnecting = this.#plane.pool.connect(destination, (connection, failure) => {
      this.#stopConnecting = null
      if (this.#isOver) return connection?.abandon()
      if (!connection) return this.#failed(failure)
      this.#record!.connectMs = performance.now() - this.#tryStartMs
      this.#send(connection, host)
    })
  }

  #send(connection: UpstreamConnection, host: string): void {
    const context = this.#context
    this.#connection = connection
    this.#isSent = true
    const length = context.header('content-length')
    this.head = buildRequestHead({
      context,
      forwarded: forwardedValues(context, this.#plane.trusted.trusts(context.peerIp)),
      host,
      uri: context.upstreamPath + context.upstreamQuery,
      isWebSocket: this.#isWebSocket,
      body: this.#body
        ? this.#body.sizeBytes
        : this.#streams && length === undefined
          ? 'chunked'
          : length === undefined
            ? null
            : Number(length),
    })
    const whole = this.#body?.whole ?? null
    connection.begin(this, whole, this.#streams || (this.#body !== null && whole === null))
    const isOver = (): boolean => this.#isOver || this.#connection !== connection
    if (this.#streams) streamBody(context.request, connection, length === undefined, isOver)
    else if (this.#body && !whole) replayBody(this.#body, connection, isOver)
  }

  /** What the try cost, for the access log. */
  #endTry(): void {
    const record = this.#record!
    record.responseMs = performance.now() - this.#tryStartMs
    if (!this.#connection) return
    record.bytesSent = this.#connection.bytesSent
    record.bytesReceived = this.#connection.bytesReceived
  }

  #failed(failure: ExchangeFailure): void {
    const context = this.#context
    this.#endTry()
    this.#connection = null
    const status = failure === 'timeout' ? 504 : 502
    this.#record!.status = status
    // A pooled connection may just have been closed by the other side: that try is not counted.
    const isFree = failure === 'error' && this.#isReused
    const mayRepeat = !this.#isSent || (!SENT_ONCE.has(this.method) && !this.#streams)
    if (failure === 'invalid' || !mayRepeat || (!isFree && this.#triesLeft === 0)) {
      this.#giveUp(status)
      return
    }
    if (!isFree) this.#triesLeft--
    const balanced = this.#peer.balanced
    if (failure === 'timeout') balanced?.balancer.reportTimeout(balanced.address, Date.now())
    else balanced?.balancer.reportTcpFailure(balanced.address, Date.now())
    const next = this.#peer.next()
    if (!next) {
      this.#record = newTry('')
      context.tries.push(this.#record)
      this.#giveUp(503)
      return
    }
    this.#peer = next
    this.#try()
  }

  #giveUp(status: number): void {
    this.#context.upstreamLatencyMs = performance.now() - this.#context.startMs - this.#context.proxyLatencyMs
    answerProxyError(this.#plane, this.#context, status)
    this.#finish(status)
  }

  #switchProtocols(head: ResponseHead): void {
    if (!this.#isWebSocket || this.#context.upgradeHead === null) {
      // Nobody asked for it in a way that could be granted.
      this.#connection!.abandon()
      this.#giveUp(502)
      return
    }
    const { socket, rest } = this.#connection!.takeOver()
    this.#finish(101)
    startTunnel({ context: this.#context, upstream: socket, rest, head, idleTimeoutMs: this.readTimeoutMs })
  }

  /** Reports the outcome to the health checks and gives back what the balancer counts. */
  #finish(status: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#body?.dispose()
    const now = performance.now()
    if (this.#record!.address !== '') this.#endTry()
    const balanced = this.#peer.balanced
    if (!balanced) return
    const { balancer, address, selection } = balanced
    if (status === 504) balancer.reportTimeout(address, Date.now())
    else balancer.reportStatus(address, status, Date.now())
    const elapsedMs = this.#context.tries.length > 1 ? 0 : now - this.#proxyStartMs
    balancer.finish(selection, { elapsedMs, nowMs: Date.now() })
  }

  #clientClosed(): void {
    if (this.#isOver) return
    this.#isOver = true
    // nginx says 400 when the client went away in the middle of its body.
    const isReadingBody = this.#record === null && !this.#context.request.complete
    if (!this.#context.response.headersSent) this.#context.status = isReadingBody ? 400 : 499
    if (this.#record) this.#endTry()
    this.#stopConnecting?.()
    this.#connection?.abandon()
    this.#body?.dispose()
    const balanced = this.#peer.balanced
    balanced?.balancer.finish(balanced.selection, { elapsedMs: 0, nowMs: Date.now() })
  }

  /** The client's Host when it is to be kept, else the peer's name, with the port unless it is the scheme's own. */
  #hostHeader(): string {
    const context = this.#context
    if (context.upstreamHost !== null) return context.upstreamHost
    if (context.route?.preserve_host && context.request.headers.host) return context.request.headers.host
    const { hostname, port } = this.#peer
    const isDefault = port === (this.#service.protocol === 'https' ? 443 : 80)
    return isDefault ? hostname : `${hostname}:${port}`
  }
}

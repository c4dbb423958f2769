import http from 'node:http'
import https from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type tls from 'node:tls'
import { answerProxyError } from './answer.ts'
import type { DataPlane } from './data-plane.ts'
import { proxyErrorPage } from './error-page.ts'
import { SERVER_NAME } from './forward-headers.ts'
import { RequestContext } from './request-context.ts'
import { startRequest } from './request-flow.ts'

export interface ListenOptions {
  readonly host: string
  readonly port: number
  /** With these the listener speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly chooseContext: SniCallback }
}

type SniCallback = (name: string, done: (error: Error | null, context?: tls.SecureContext) => void) => void

export interface Listener {
  readonly port: number
  /** Stops accepting, lets requests in flight finish for `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>
}

/** nginx: keepalive_timeout 75 s, client_header_timeout 60 s. */
const KEEP_ALIVE_MS = 75_000
const HEADERS_MS = 60_000
const MAX_HEAD_BYTES = 64 * 1024
const SWEEP_MS = 20

/** Accepts requests for the data plane. Rejects when the port is taken. */
export async function startListener(plane: DataPlane, options: ListenOptions): Promise<Listener> {
  const settings: http.ServerOptions = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: 0,
    maxHeaderSize: MAX_HEAD_BYTES,
    requireHostHeader: false,
    noDelay: true,
  }
  const scheme = options.tls ? 'https' : 'http'
  const server = options.tls
    ? https.createServer({
        ...settings,
        cert: options.tls.cert,
        key: options.tls.key,
        SNICallback: options.tls.chooseContext,
      })
    : http.createServer(settings)
  server.timeout = 0
  // nginx bounds the size of a head alone; Node would leave out what comes after 1,000 headers.
  server.maxHeadersCount = 0
  let port = options.port
  const accept = (request: http.IncomingMessage, response: http.ServerResponse): void =>
    startRequest(plane, new RequestContext(request, response, { scheme, port, upgradeHead: null }))
  server.on('request', accept)
  server.on('checkExpectation', accept)
  server.on('upgrade', (request: http.IncomingMessage, socket: Socket, head: Buffer) => {
    startRequest(
      plane,
      new RequestContext(request, responseOn(request, socket), { scheme, port, upgradeHead: head }),
    )
  })
  server.on('connect', (request: http.IncomingMessage, socket: Socket) => {
    const context = new RequestContext(request, responseOn(request, socket), {
      scheme,
      port,
      upgradeHead: null,
    })
    answerProxyError(plane, context, 400)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    answerUnreadable(plane, error, socket, { scheme, port, upgradeHead: null }),
  )
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  port = (server.address() as AddressInfo).port
  return {
    port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const deadline = setTimeout(() => {
          for (const socket of sockets) socket.destroy()
        }, graceMs)
        // A connection that was busy at first may keep itself open after its answer.
        const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
        server.close(() => {
          clearTimeout(deadline)
          clearInterval(sweep)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

/** An upgrade request has no response object of node's making: this one writes to its socket and then ends it. */
function responseOn(request: http.IncomingMessage, socket: Socket): http.ServerResponse {
  const response = new http.ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  socket.on('error', () => {})
  socket.once('close', () => response.emit('close'))
  response.once('finish', () => {
    response.detachSocket(socket)
    socket.end()
  })
  return response
}

/** What cannot be read as HTTP gets Kong's page for it, and the connection ends. */
function answerUnreadable(
  plane: DataPlane,
  error: NodeJS.ErrnoException,
  socket: Socket,
  origin: { readonly scheme: 'http' | 'https'; readonly port: number; readonly upgradeHead: null },
): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy()
    return
  }
  const status =
    error.code === 'HPE_HEADER_OVERFLOW' ? 494 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const nothing = new http.IncomingMessage(socket)
  const context = new RequestContext(nothing, new http.ServerResponse(nothing), origin)
  context.status = status
  context.isErrorPage = true
  plane.onFinished(context)
  const { id } = context
  const { contentType, body } = proxyErrorPage(status, id, undefined, undefined)
  const line = status === 408 ? '408 Request Time-out' : '400 Bad Request'
  socket.end(
    `HTTP/1.1 ${line}\r\nDate: ${new Date().toUTCString()}\r\nContent-Type: ${contentType}\r\nConnection: close\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nX-Kong-Response-Latency: 0\r\nServer: ${SERVER_NAME}\r\n` +
      `X-Kong-Request-Id: ${id}\r\n\r\n${body}`,
  )
}

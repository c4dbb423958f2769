import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RouteRow, ServiceRow } from '../router/route-row.ts'
import type { RouteMatch } from '../router/router.ts'
import type { ResponseHead } from './parse-response-head.ts'
import type { BufferedBody } from './request-body.ts'
import { newRequestId } from './request-id.ts'
import type { RequestTarget } from './request-target.ts'
import type { TryRecord } from './try-record.ts'

export interface Consumer {
  readonly id: string
  readonly username: string | null
  readonly customId: string | null
}

/** One request from the first byte to the log line: what is known, and what goes out. */
export class RequestContext {
  readonly id = newRequestId()
  readonly startMs = performance.now()
  readonly startedAtMs = Date.now()
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly scheme: 'http' | 'https'
  /** Port of the listener, or the one declared in the port map. */
  readonly port: number
  /** Bytes the client sent after the head of an upgrade request. */
  readonly upgradeHead: Buffer | null
  readonly peerIp: string
  /** The client as far as trusted proxies tell; the peer otherwise. */
  clientIp: string
  target: RequestTarget = { rawPath: '/', query: '', authority: undefined }
  match: RouteMatch | null = null
  consumer: Consumer | null = null
  credentialId: string | null = null
  /** Path and query sent on; plugins may replace them. */
  upstreamPath = '/'
  upstreamQuery = ''
  upstreamMethod: string
  /** Set by plugins: replaces the Host sent on. */
  upstreamHost: string | null = null
  /** Header edits by plugins, by lower-case name: values to set, or null to remove. */
  readonly upstreamHeaders = new Map<
    string,
    { readonly name: string; readonly values: readonly string[] } | null
  >()
  /** Headers that plugins add before there is an answer: they go out beside the upstream's own. */
  readonly addedHeaders = new Map<string, { readonly name: string; readonly values: readonly string[] }>()
  readonly responseHeaders = new Map<
    string,
    { readonly name: string; readonly values: readonly string[] } | null
  >()
  /** The request's body when a plugin had to read it. */
  body: BufferedBody | null = null
  /** Set-Cookie line when consistent hashing had to make a cookie. */
  hashCookie: string | null = null
  readonly tries: TryRecord[] = []
  /** True from when the request is handed to an upstream: decides headers and health reports. */
  isProxied = false
  proxyLatencyMs = 0
  upstreamLatencyMs = -1
  status = 0
  /** Of the answer's body, framing included. */
  bytesSent = 0
  sentHost = ''
  /** A route was found and may be used with this scheme. */
  isRouted = false
  /** The answer was made by a plugin, the router or the balancer. */
  hasExited = false
  hasFailedPlugin = false
  /** The answer is nginx's own: an error of the proxying. */
  isErrorPage = false
  /** What the upstream answered last. */
  upstreamHead: ResponseHead | null = null
  /** Names and values in turn, once they are sent. */
  sentRawHeaders: readonly string[] = []
  /** A plugin that is waited for; it goes on even if the client is gone. */
  pendingPlugin: Promise<unknown> | null = null
  /** For plugins to pass things from phase to phase, by plugin name. */
  readonly shared = new Map<string, unknown>()
  #distinct: NodeJS.Dict<string[]> | null = null

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    origin: { readonly scheme: 'http' | 'https'; readonly port: number; readonly upgradeHead: Buffer | null },
  ) {
    this.request = request
    this.response = response
    this.scheme = origin.scheme
    this.port = origin.port
    this.upgradeHead = origin.upgradeHead
    this.upstreamMethod = request.method ?? 'GET'
    this.peerIp = plainIp(request.socket.remoteAddress ?? '')
    this.clientIp = this.peerIp
  }

  get method(): string {
    return this.request.method ?? 'GET'
  }

  get socket(): Socket {
    return this.request.socket
  }

  get route(): RouteRow | null {
    return this.match?.route ?? null
  }

  get service(): ServiceRow | null {
    return this.match?.service ?? null
  }

  /** First value of a header, by lower-case name. */
  header(name: string): string | undefined {
    return this.headers(name)?.[0]
  }

  /** All values of a header, by lower-case name. */
  headers(name: string): readonly string[] | undefined {
    this.#distinct ??= this.request.headersDistinct
    return this.#distinct[name]
  }
}

/** `::ffff:127.0.0.1` is how a dual-stack socket writes an IPv4 address. */
function plainIp(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}

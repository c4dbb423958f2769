/**
 * One request's way through the gateway, in Kong's order: target, route, forwarded headers, https, plugins, balancer,
 * upstream. Start at `startRequest`; what happens to one try is in upstream-flow.ts.
 */
import type { IncomingMessage } from 'node:http'
import type { Exit } from '../plugins-runtime/plugin.ts'
import { configurationFor } from '../plugins-runtime/plugin-chain.ts'
import { escapePath, normalisePath } from '../router/normalise-path.ts'
import { answerExit, answerProxyError, answerRedirect, answerRefusal } from './answer.ts'
import { choosePeer } from './choose-peer.ts'
import type { DataPlane } from './data-plane.ts'
import { forwardedValues } from './forward-headers.ts'
import type { RequestContext } from './request-context.ts'
import { parseTarget } from './request-target.ts'
import { UpstreamFlow } from './upstream-flow.ts'

/** nginx: large_client_header_buffers 4 8k; a line must fit one buffer, all of them the four. */
const LINE_BYTES = 8190
const HEAD_BYTES = 32 * 1024

export function startRequest(plane: DataPlane, context: RequestContext): void {
  context.response.once('close', () => void finish(plane, context))
  try {
    checkRequest(plane, context)
  } catch (error) {
    plane.onProblem(error, context)
    answerProxyError(plane, context, 500)
  }
}

/** Log lines and plugins of the log phase, once nothing of the request is going on. */
async function finish(plane: DataPlane, context: RequestContext): Promise<void> {
  do await context.pendingPlugin?.catch(() => {})
  while (context.pendingPlugin)
  if (context.status === 0) context.status = 499
  try {
    plane.onFinished(context)
    runLog(plane, context)
  } catch (error) {
    plane.onProblem(error, context)
  }
}

function runLog(plane: DataPlane, context: RequestContext): void {
  for (const link of plane.chains.chain(context.route?.id ?? null, context.service?.id ?? null)) {
    if (!link.plugin.log) continue
    const configured = configurationFor(link, context.consumer?.id ?? null)
    if (configured) link.plugin.log(context, configured, plane.tools)
  }
}

function checkRequest(plane: DataPlane, context: RequestContext): void {
  const { request } = context
  const url = request.url ?? '/'
  if (url.length + context.method.length > LINE_BYTES) {
    answerProxyError(plane, context, 414)
    return
  }
  const problem = headProblem(request)
  if (problem !== null) {
    answerProxyError(plane, context, problem)
    return
  }
  if (context.method === 'TRACE') {
    answerProxyError(plane, context, 405)
    return
  }
  const target = parseTarget(url)
  if (!target) {
    answerProxyError(plane, context, 400)
    return
  }
  context.target = target
  if (!plane.trusted.isEmpty)
    context.clientIp = plane.trusted.clientIp(context.peerIp, (name) => context.headers(name))
  route(plane, context)
}

function route(plane: DataPlane, context: RequestContext): void {
  const { target, socket } = context
  const match = plane.router.match({
    method: context.method,
    path: normalisePath(target.rawPath),
    host: context.request.headers.host,
    scheme: context.scheme,
    port: context.port,
    sni: serverName(socket),
    sourceIp: context.clientIp,
    ...(socket.remotePort === undefined ? {} : { sourcePort: socket.remotePort }),
    header: (name) => context.headers(name),
  })
  if (!match) {
    answerRefusal(plane, context, 404, 'no Route matched with those values')
    return
  }
  context.match = match
  context.upstreamPath = escapePath(match.upstreamPath)
  context.upstreamQuery = target.query
  if (refusesScheme(plane, context)) return
  context.isRouted = true

  const chain = plane.chains.chain(match.route.id, match.service?.id ?? null)
  if (chain.length === 0) {
    forward(plane, context)
    return
  }
  runAccess(plane, context, 0)
}

/** Runs the chain from `start`; goes on by itself after a plugin that has to wait. */
function runAccess(plane: DataPlane, context: RequestContext, start: number): void {
  const chain = plane.chains.chain(context.route!.id, context.service?.id ?? null)
  for (let i = start; i < chain.length; i++) {
    const link = chain[i]!
    if (!link.plugin.access) continue
    const configured = configurationFor(link, context.consumer?.id ?? null)
    if (!configured) continue
    const result = link.plugin.access(context, configured, plane.tools)
    if (result instanceof Promise) {
      context.pendingPlugin = result
      void goOnAfter(plane, context, result, i + 1)
      return
    }
    if (result) {
      answerExit(plane, context, result)
      return
    }
  }
  forward(plane, context)
}

async function goOnAfter(
  plane: DataPlane,
  context: RequestContext,
  result: Promise<Exit | undefined>,
  next: number,
): Promise<void> {
  let exit: Exit | undefined
  try {
    exit = await result
  } catch (error) {
    plane.onProblem(error, context)
    context.hasFailedPlugin = true
    exit = BROKEN_PLUGIN
  }
  context.pendingPlugin = null
  try {
    if (exit) answerExit(plane, context, exit)
    else if (!context.response.destroyed) runAccess(plane, context, next)
  } catch (error) {
    plane.onProblem(error, context)
    answerProxyError(plane, context, 500)
  }
}

const BROKEN_PLUGIN: Exit = { status: 500, headers: {}, body: { refusal: 'An unexpected error occurred' } }

/** True when an https-only route was asked over http, or a gRPC route by something else; it is answered then. */
function refusesScheme(plane: DataPlane, context: RequestContext): boolean {
  const { protocols, https_redirect_status_code: code } = context.route!
  const forwarded = forwardedValues(context, plane.trusted.trusts(context.peerIp))
  if (protocols.includes('https') && !protocols.includes('http') && forwarded.proto !== 'https') {
    if (code === 301 || code === 302 || code === 307 || code === 308) {
      answerRedirect(plane, context, code, `https://${forwarded.host}${context.request.url}`)
    } else {
      const headers = ['Connection', 'Upgrade', 'Upgrade', 'TLS/1.2, HTTP/1.1']
      answerRefusal(plane, context, 426, 'Please use HTTPS protocol', headers)
    }
    return true
  }
  if (protocols.includes('grpc') || protocols.includes('grpcs')) {
    const isGrpc = context.header('content-type')?.startsWith('application/grpc') ?? false
    if (isGrpc)
      answerRefusal(plane, context, 426, 'Please use HTTP2 protocol', [
        'connection',
        'Upgrade',
        'upgrade',
        'HTTP/2',
      ])
    else answerRefusal(plane, context, 415, 'Non-gRPC request matched gRPC route')
    return true
  }
  return false
}

function forward(plane: DataPlane, context: RequestContext): void {
  const service = context.service
  if (!service) {
    answerRefusal(plane, context, 503, 'no Service found with those values')
    return
  }
  choosePeer(plane, context, service, (peer) => {
    if (context.response.destroyed) return
    if (typeof peer === 'string') return answerRefusal(plane, context, 503, peer)
    new UpstreamFlow(plane, context, service, peer).start()
  })
}

/** 400 for a Host that is missing or no host, or a header that may be there once only; 494 for a line or a head that is too large; else null. */
function headProblem({ rawHeaders, headers, httpVersion }: IncomingMessage): number | null {
  if (headers.host === undefined ? httpVersion === '1.1' : !VALID_HOST.test(headers.host)) return 400
  const seen = new Set<string>()
  let total = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    const length = name.length + rawHeaders[i + 1]!.length + 4
    if (length > LINE_BYTES) return 494
    total += length
    const lower = name.toLowerCase()
    if (!UNIQUE.has(lower)) continue
    if (seen.has(lower)) return 400
    seen.add(lower)
  }
  return total > HEAD_BYTES ? 494 : null
}

/** Headers that nginx refuses to see twice. */
const UNIQUE = new Set([
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'if-match',
  'if-none-match',
  'content-length',
  'range',
  'content-range',
  'if-range',
  'transfer-encoding',
  'expect',
  'authorization',
])

/** What nginx takes for a host: no control characters, blanks or path separators, and not nothing. */
const VALID_HOST = /^(\[[^\]\s]+\]|[^\s/\\\0:]+\.?)(:\d*)?$/

function serverName(socket: unknown): string | undefined {
  const name = (socket as { servername?: string | false }).servername
  return typeof name === 'string' && name !== '' ? name : undefined
}

/** kong.request: what the client sent, with what plugins have changed since. */
import { queryArguments } from '../../plugins-runtime/query-arguments.ts'
import { forwardedValues, hostVariable } from '../../proxy/forward-headers.ts'
import { type BufferedBody, bufferBody, hasBody } from '../../proxy/request-body.ts'
import type { RequestContext } from '../../proxy/request-context.ts'
import { normalisePath } from '../../router/normalise-path.ts'
import { Binary, type Packable } from '../message-pack.ts'
import { stringArgument } from './arguments.ts'
import { always, inAccess, type PdkCall, PdkError, type PdkMethod } from './method.ts'
import { requestHeader, requestHeaders } from './request-headers.ts'

export const REQUEST_METHODS: Readonly<Record<string, PdkMethod>> = {
  get_scheme: inAccess(({ context }) => context.scheme),
  get_host: inAccess(({ context }) => hostVariable(context)),
  get_port: inAccess(({ context }) => context.port),
  get_forwarded_scheme: inAccess(
    (call) => sentByProxy(call, 'x-forwarded-proto')?.toLowerCase() ?? call.context.scheme,
  ),
  get_forwarded_host: inAccess(
    (call) => forwardedHost(call)?.replace(/:.*$/, '').toLowerCase() ?? hostVariable(call.context),
  ),
  get_forwarded_port: inAccess(forwardedPort),
  get_forwarded_path: inAccess((call) => sentByProxy(call, 'x-forwarded-path') ?? path(call.context)),
  get_forwarded_prefix: inAccess(
    ({ world, context }) =>
      forwardedValues(context, world.trusted.trusts(context.peerIp)).prefix ?? undefined,
  ),
  get_http_version: inAccess(({ context }) => Number(context.request.httpVersion)),
  get_method: inAccess(({ context }) => context.upstreamMethod),
  get_path: inAccess(({ context }) => path(context)),
  get_raw_path: inAccess(({ context }) => context.target.rawPath),
  get_path_with_query: inAccess(({ context }) => context.target.rawPath + context.target.query),
  get_raw_query: inAccess(({ context }) => context.upstreamQuery.slice(1)),
  get_query_arg: inAccess(({ context, args }) => {
    return queryArguments(context.upstreamQuery).get(stringArgument(args[0], 'query argument name'))?.[0]
  }),
  get_query: inAccess(({ context, args }) => queryTable(context, maximum(args[0], 'max_args'))),
  get_header: always(({ context, args }) => requestHeader(context, stringArgument(args[0], 'header name'))),
  get_headers: always(({ context, args }) => {
    return Object.fromEntries(requestHeaders(context, maximum(args[0], 'max_headers')))
  }),
  get_raw_body: inAccess(async ({ context }) => {
    const body = await bodyOf(context)
    // Kong gives nil for what it had to put into a file.
    return body && !body.whole && body.sizeBytes > 0
      ? undefined
      : new Binary(body?.whole?.toString('latin1') ?? '')
  }),
  get_start_time: always(({ context }) => context.startedAtMs),
  get_uri_captures: always(({ context }) => {
    const captures = context.match?.captures ?? {}
    const entries = Object.entries(captures).filter(([, value]) => value !== undefined)
    return {
      unnamed: entries
        .filter(([name]) => /^\d+$/.test(name) && name !== '0')
        .map(([, value]) => String(value)),
      named: named(
        entries.filter(([name]) => !/^\d+$/.test(name)).map(([name, value]) => [name, String(value)]),
      ),
    }
  }),
}

/** lua-MessagePack cannot tell an empty map from an empty list. */
const named = (entries: readonly (readonly [string, string])[]): Packable =>
  entries.length === 0 ? [] : Object.fromEntries(entries)

function path(context: RequestContext): string {
  return normalisePath(context.target.rawPath)
}

/** A header that only a trusted proxy may set. */
function sentByProxy({ world, context }: PdkCall, name: string): string | undefined {
  return world.trusted.trusts(context.peerIp) ? requestHeader(context, name) : undefined
}

const forwardedHost = (call: PdkCall): string | undefined =>
  sentByProxy(call, 'x-forwarded-host')?.replace(/^[^@]*@/, '')

function forwardedPort(call: PdkCall): number {
  const candidates = [sentByProxy(call, 'x-forwarded-port'), forwardedHost(call)?.split(':')[1]]
  for (const text of candidates) {
    const port = Number(text)
    if (text && Number.isInteger(port) && port >= 1 && port <= 65535) return port
  }
  return call.context.port
}

function maximum(value: unknown, what: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && value >= 1 && value <= 1000) return value
  throw new PdkError(`${what} must be a number between 1 and 1000`)
}

/** Arguments without value are an empty list, as Kong sends them. */
function queryTable(context: RequestContext, max = 100): Packable {
  const table: Record<string, string[]> = Object.create(null)
  let left = max
  for (const [name, values] of queryArguments(context.upstreamQuery)) {
    const taken = values.slice(0, left)
    if (taken.length === 0) break
    left -= taken.length
    table[name] = taken.filter((value) => value !== true)
  }
  return table
}

/** The body read to its end; it is sent on from there. */
async function bodyOf(context: RequestContext): Promise<BufferedBody | null> {
  if (context.body || !hasBody(context.request)) return context.body
  context.body = await new Promise((resolve) => bufferBody(context.request, resolve))
  return context.body
}

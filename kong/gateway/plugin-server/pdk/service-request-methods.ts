/** kong.service.request: what goes to the upstream. */

import { keptBody } from '../../proxy/request-body.ts'
import type { RequestContext } from '../../proxy/request-context.ts'
import { escapePath } from '../../router/normalise-path.ts'
import type { Unpacked } from '../message-unpack.ts'
import {
  headerName,
  headersArgument,
  headerValues,
  percentEncode,
  stringArgument,
  tableArgument,
} from './arguments.ts'
import { inAccess, PdkError, type PdkMethod } from './method.ts'
import { requestHeaders } from './request-headers.ts'

export const SERVICE_REQUEST_METHODS: Readonly<Record<string, PdkMethod>> = {
  set_method: inAccess(({ context, args }) => {
    const method = stringArgument(args[0], 'method')
    if (!METHODS.has(method)) throw new PdkError(`invalid method: ${method}`)
    context.upstreamMethod = method
    return undefined
  }),
  set_path: inAccess(({ context, args }) => {
    const path = stringArgument(args[0], 'path')
    if (!path.startsWith('/')) throw new PdkError('path must start with /')
    context.upstreamPath = escapePath(path)
    return undefined
  }),
  set_raw_query: inAccess(({ context, args }) => {
    const query = stringArgument(args[0], 'query')
    context.upstreamQuery = query === '' ? '' : `?${query.replace(UNSAFE, percentEncode)}`
    return undefined
  }),
  set_query: inAccess(({ context, args }) => {
    const entries = Object.entries(tableArgument(args[0], 'args')).sort(([a], [b]) => (a < b ? -1 : 1))
    const query = entries.flatMap(([name, value]) => encodedArguments(name, value)).join('&')
    context.upstreamQuery = query === '' ? '' : `?${query}`
    return undefined
  }),
  set_header: inAccess(({ context, args }) => {
    setHeader(context, headerName(args[0]), headerValues(args[0], args[1]))
    return undefined
  }),
  add_header: inAccess(({ context, args }) => {
    const values = headerValues(args[0], args[1])
    const name = headerName(args[0])
    if (name.toLowerCase() === 'host') context.upstreamHost = values[0] ?? null
    else setHeader(context, name, [...(requestHeaders(context).get(name.toLowerCase()) ?? []), ...values])
    return undefined
  }),
  clear_header: inAccess(({ context, args }) => {
    const name = stringArgument(args[0], 'header')
    context.upstreamHeaders.set(name.toLowerCase(), null)
    return undefined
  }),
  set_headers: inAccess(({ context, args }) => {
    for (const [name, values] of headersArgument(args[0])) setHeader(context, name, values)
    return undefined
  }),
  set_raw_body: inAccess(({ context, args }) => {
    context.body?.dispose()
    context.body = keptBody(Buffer.from(stringArgument(args[0], 'body'), 'latin1'))
    return undefined
  }),
}

const METHODS = new Set([
  ...['GET', 'HEAD', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'MKCOL', 'COPY', 'MOVE'],
  ...['PROPFIND', 'PROPPATCH', 'LOCK', 'UNLOCK', 'PATCH', 'TRACE'],
])

function setHeader(context: RequestContext, name: string, values: readonly string[]): void {
  const lower = name.toLowerCase()
  if (lower === 'host') context.upstreamHost = values[0] ?? null
  else if (lower !== 'transfer-encoding') context.upstreamHeaders.set(lower, { name, values })
}

function encodedArguments(name: string, value: Unpacked): string[] {
  if (value === true) return [encode(name)]
  if (value === false || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item) => encodedArguments(name, item))
  if (typeof value === 'object') throw new PdkError(`args cannot hold a table as value of ${name}`)
  return [`${encode(name)}=${encode(String(value))}`]
}

/** What would end the request line, or a word in it. */
const UNSAFE = /[\0-\x20\x7f]/g

function encode(text: string): string {
  return text.replace(/[^A-Za-z0-9\-_.~]/g, percentEncode)
}

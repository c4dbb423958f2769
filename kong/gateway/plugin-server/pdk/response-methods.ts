/** kong.response: headers that a plugin adds, and answers it makes itself. */
import { type Exit, refuse } from '../../plugins-runtime/plugin.ts'
import { messageOf } from '../../proxy/error-page.ts'
import type { RequestContext } from '../../proxy/request-context.ts'
import { sentHeaders } from '../../proxy/sent-headers.ts'
import { textOf } from '../byte-string.ts'
import type { Unpacked } from '../message-unpack.ts'
import { headerName, headersArgument, headerValues, stringArgument } from './arguments.ts'
import { Exited, inAccess, inLog, PdkError, type PdkMethod } from './method.ts'

export const RESPONSE_METHODS: Readonly<Record<string, PdkMethod>> = {
  get_status: inLog(({ context }) => context.status),
  get_header: inLog(({ context, args }) => {
    return sentHeaders(context).get(stringArgument(args[0], 'header name').toLowerCase())?.[0]
  }),
  get_headers: inLog(({ context }) => Object.fromEntries(sentHeaders(context))),
  get_source: inLog(({ context }) => sourceOf(context)),
  set_status: inAccess(({ args }) => {
    // What the upstream answers replaces it, so in this phase it changes nothing.
    statusArgument(args[0], 100)
    return undefined
  }),
  set_header: inAccess(({ context, args }) => {
    setHeader(context, headerName(args[0]), headerValues(args[0], args[1]))
    return undefined
  }),
  add_header: inAccess(({ context, args }) => {
    const values = headerValues(args[0], args[1])
    const name = headerName(args[0])
    setHeader(context, name, [...(context.addedHeaders.get(name.toLowerCase())?.values ?? []), ...values])
    return undefined
  }),
  clear_header: inAccess(({ context, args }) => {
    context.addedHeaders.delete(stringArgument(args[0], 'header name').toLowerCase())
    return undefined
  }),
  set_headers: inAccess(({ context, args }) => {
    for (const [name, values] of headersArgument(args[0])) setHeader(context, name, values)
    return undefined
  }),
  exit: inAccess(({ args }) => {
    const [status, body, headers] = args
    return new Exited({
      status: statusArgument(status, 100),
      headers: exitHeaders(headers),
      body: exitBody(body),
    })
  }),
  error: inAccess(({ args }) => {
    const [status, message, headers] = args
    const code = statusArgument(status, 400)
    const text = message === undefined || message === null ? messageOf(code) : messageText(message)
    return new Exited(refuse(code, text, exitHeaders(headers)))
  }),
}

function setHeader(context: RequestContext, name: string, values: readonly string[]): void {
  if (/^transfer[-_]encoding$/i.test(name)) return
  context.addedHeaders.set(name.toLowerCase(), { name, values })
}

function statusArgument(value: Unpacked | undefined, least: number): number {
  if (typeof value !== 'number') throw new PdkError('code must be a number')
  if (value < least || value > 599) throw new PdkError(`code must be a number between ${least} and 599`)
  return value
}

function exitHeaders(value: Unpacked | undefined): Exit['headers'] {
  if (value === undefined || value === null) return {}
  return Object.fromEntries(
    headersArgument(value).filter(([name]) => !/^(transfer[-_]encoding|content[-_]length)$/i.test(name)),
  )
}

function exitBody(body: Unpacked | undefined): Exit['body'] {
  if (body === undefined || body === null) return null
  if (typeof body === 'string') return { text: textOf(body) }
  if (typeof body === 'object') return { json: withText(body) }
  throw new PdkError('body must be a nil, string or table')
}

function messageText(message: Unpacked): string {
  if (typeof message === 'string') return textOf(message)
  if (typeof message === 'object') return JSON.stringify(withText(message))
  throw new PdkError('message must be a nil, a string or a table')
}

/** The same value with text for byte strings. */
function withText(value: Unpacked): unknown {
  if (typeof value === 'string') return textOf(value)
  if (Array.isArray(value)) return value.map(withText)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [textOf(name), withText(item)]))
}

/** Who made the answer: 'service', 'exit' (a plugin or the router) or 'error' (the proxying failed). */
export function sourceOf(context: RequestContext): 'service' | 'exit' | 'error' {
  if (context.hasFailedPlugin) return 'error'
  if (context.hasExited) return 'exit'
  return context.isProxied && !context.isErrorPage ? 'service' : 'error'
}

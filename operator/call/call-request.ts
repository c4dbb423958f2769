/** What `POST /call` may ask for, and what of it goes on to the service. Pure. */

import { z } from 'zod'

export const CALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export const PATH_ERROR =
  'must begin with exactly one "/", without scheme, control characters, spaces, backslashes or dot segments'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const NOT_IN_A_PATH = /[\u0000-\u0020\u007f-\uffff\\#]/
const BAD_ESCAPE = /%(?![0-9a-f]{2})|%(?:[01][0-9a-f]|7f)/i
/** `.` and `..`, also with their dots escaped, and with a parameter. */
const DOT_SEGMENT = /^(?:\.|%2e){1,2}(?:;.*)?$/i

/** A path with its query as it may go into a request line. */
export function isCallPath(text: string): boolean {
  if (!/^\/(?!\/)/.test(text) || NOT_IN_A_PATH.test(text) || BAD_ESCAPE.test(text)) return false
  // Whoever decodes %2f and %5c sees more segments.
  const segments = text.split('?')[0]!.split(/\/|%2f|%5c/i)
  return !segments.some((segment) => DOT_SEGMENT.test(segment))
}

const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const HEADER_VALUE = /^[^\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]*$/

export const callBody = {
  service_name: z
    .string()
    .min(1, 'must not be empty')
    .max(1_000)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
    .regex(/^[^\u0000-\u001f\u007f/]+$/, 'must not hold "/" or control characters'),
  method: z.enum(CALL_METHODS, `must be one of ${CALL_METHODS.join(', ')}`).optional(),
  path: z.string().max(8_000).refine(isCallPath, PATH_ERROR).optional(),
  headers: z
    .record(
      z.string().regex(HEADER_NAME, 'must be a header name'),
      z.string().max(8_000).regex(HEADER_VALUE, 'must be a header value in one line'),
    )
    .refine((headers) => Object.keys(headers).length <= 100, 'must be at most 100')
    .optional(),
  body: z.json().optional(),
  timeout: z.number('must be a number').min(1, 'must be 1 to 300').max(300, 'must be 1 to 300').optional(),
  retry_count: z
    .int('must be a whole number')
    .min(0, 'must be 0 to 10')
    .max(10, 'must be 0 to 10')
    .optional(),
}

/** RFC 9110, 7.6.1, what HTTP/1.1 clients add to it, and what says how the body travels. */
const NOT_FROM_THE_CALLER = new Set([
  'host',
  'connection',
  'proxy-connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
  'content-length',
  'proxy-authenticate',
  'proxy-authorization',
  'x-mesh-route',
  'x-mesh-span',
])

/** Lower-case names; without those of one hop, and those that `Connection` names. */
export function headersToSend(given: Readonly<Record<string, string>>): Record<string, string> {
  const lower = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const)
  const named = lower
    .filter(([name]) => name === 'connection')
    .flatMap(([, value]) => value.split(','))
    .map((name) => name.trim().toLowerCase())
  return Object.fromEntries(lower.filter(([name]) => !NOT_FROM_THE_CALLER.has(name) && !named.includes(name)))
}

/** JSON unless it is text; the caller's own content type stays. */
export function encodeBody(
  body: unknown,
  headers: Record<string, string>,
): { readonly data: Buffer | undefined; readonly headers: Record<string, string> } {
  if (body === undefined) return { data: undefined, headers }
  const isText = typeof body === 'string'
  const type = isText ? 'text/plain; charset=utf-8' : 'application/json'
  return {
    data: Buffer.from(isText ? body : JSON.stringify(body)),
    headers: { 'content-type': type, ...headers },
  }
}

/**
 * Bodies of the answers the gateway makes itself. Two rules, as in Kong 3.9: what a plugin or the router refuses
 * follows Accept only and is JSON by default; what the proxying refuses also looks at the request's own content
 * type and is plain text by default (error_default_type).
 */

export interface ErrorPage {
  readonly contentType: string
  readonly body: string
}

/** For refusals by the router, plugins and the balancer (`kong.response.error`). */
export function refusalPage(message: string, requestId: string, accept: string | undefined): ErrorPage {
  return page(responseType(accept), message, requestId)
}

/** For errors of the proxying itself (nginx statuses 400, 405, 414, 502, 503, 504 ...). */
export function proxyErrorPage(
  status: number,
  requestId: string,
  accept: string | undefined,
  contentType: string | undefined,
): ErrorPage {
  const wanted = accept ?? contentType ?? 'text/plain'
  if (wanted.startsWith('application/grpc')) {
    return { contentType: JSON_TYPE, body: JSON.stringify({ message: messageOf(status) }) }
  }
  return page(responseType(wanted), messageOf(status), requestId)
}

/** The MIME type for an Accept header: the best-rated type we have a page for. */
export function responseType(accept: string | undefined): string {
  if (accept === undefined) return JSON_TYPE
  let best = JSON_TYPE
  let bestQuality = 0
  for (const value of accept.split(',')) {
    const match = MEDIA_RANGE.exec(value.trim().toLowerCase())
    if (!match) continue
    const quality = match[2] === undefined ? 1 : Number(match[2])
    if (quality <= bestQuality) continue
    bestQuality = quality
    best =
      TYPES[match[1]!] ?? (match[1]!.endsWith('/*') ? TYPES[match[1]!.slice(0, -2)] : undefined) ?? JSON_TYPE
  }
  return best
}

const JSON_TYPE = 'application/json; charset=utf-8'
const PLAIN_TYPE = 'text/plain; charset=utf-8'
const HTML_TYPE = 'text/html; charset=utf-8'
const XML_TYPE = 'application/xml; charset=utf-8'

const TYPES: Readonly<Record<string, string>> = {
  'application/json': JSON_TYPE,
  'application/grpc': '',
  'text/html': HTML_TYPE,
  'text/plain': PLAIN_TYPE,
  'application/xml': XML_TYPE,
  application: JSON_TYPE,
  text: PLAIN_TYPE,
}

const MEDIA_RANGE =
  /((?:[a-z0-9][a-z0-9!#$&^_+.-]+|\*)\/(?:[a-z0-9][a-z0-9!#$&^_+.-]+|\*))(?:\s*;\s*q=(1(?:\.0{0,3})?|0(?:\.\d{0,3})?)|\s*;\s*[a-z0-9][a-z0-9!#$&^_+.-]+(?:=[^;]*)?)*/

const MESSAGES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  411: 'Length required',
  412: 'Precondition failed',
  413: 'Payload too large',
  414: 'URI too long',
  417: 'Expectation failed',
  494: 'Request header or cookie too large',
  500: 'An unexpected error occurred',
  502: 'An invalid response was received from the upstream server',
  503: 'The upstream server is currently unavailable',
  504: 'The upstream server is timing out',
}

/** What Kong says when nobody gave a message. */
export function messageOf(status: number): string {
  return MESSAGES[status] ?? `The upstream server responded with ${status}`
}

function page(contentType: string, message: string, requestId: string): ErrorPage {
  switch (contentType) {
    case '':
      return { contentType, body: '' }
    case HTML_TYPE:
      return {
        contentType,
        body: `<!doctype html>\n<html>\n  <head>\n    <meta charset="utf-8">\n    <title>Error</title>\n  </head>\n  <body>\n    <h1>Error</h1>\n    <p>${message}.</p>\n    <p>request_id: ${requestId}</p>\n  </body>\n</html>\n`,
      }
    case PLAIN_TYPE:
      return { contentType, body: `${message}\nrequest_id: ${requestId}\n` }
    case XML_TYPE:
      return {
        contentType,
        body: `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>${message}</message>\n  <requestid>${requestId}</requestid>\n</error>\n`,
      }
    default:
      return { contentType, body: `{\n  "message":"${message}",\n  "request_id":"${requestId}"\n}` }
  }
}

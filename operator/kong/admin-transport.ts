import http from 'node:http'
import https from 'node:https'

export interface AdminRequest {
  readonly method: string
  readonly url: string
  readonly headers: http.OutgoingHttpHeaders
  /** JSON. */
  readonly body: string | undefined
  readonly agent: http.Agent | https.Agent
  /** For as long as nothing comes, in ms. */
  readonly timeoutMs: number
}

export interface AdminAnswer {
  readonly status: number
  readonly text: string
}

/** No answer: the socket's own error, whose code is ETIMEDOUT where none came in time. */
export class NoAnswer extends Error {
  readonly code: string | undefined
  /** The request went out on a connection that was kept. */
  readonly wasKept: boolean

  constructor(cause: NodeJS.ErrnoException, wasKept: boolean) {
    super(cause.message, { cause })
    this.name = 'NoAnswer'
    this.code = cause.code
    this.wasKept = wasKept
  }
}

/**
 * One request of the Admin API. A client that follows redirects, goes through proxies, unpacks and tells of progress costs
 * an operator twice as much a call and 10 MiB; none of that is Kong's.
 * @throws NoAnswer
 */
export const sendToAdmin = ({
  method,
  url,
  headers,
  body,
  agent,
  timeoutMs,
}: AdminRequest): Promise<AdminAnswer> =>
  new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? https : http).request(url, {
      method,
      headers: {
        accept: 'application/json',
        'user-agent': 'kongsul',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
      agent,
    })
    const fail = (error: Error) => reject(new NoAnswer(error, request.reusedSocket))
    request.on('error', fail)
    request.setTimeout(timeoutMs, () => {
      const text = `timeout of ${timeoutMs} ms exceeded`
      request.destroy(Object.assign(new Error(text), { code: 'ETIMEDOUT' }))
    })
    request.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      // An answer that was cut short.
      response.on('error', fail)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    request.end(body)
  })

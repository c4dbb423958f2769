// One POST over a connection that is kept, with a limit on the time and on what is read of the answer.
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tlsAgent } from '../../operator/secrets/tls-agent.ts'
import type { TlsConfig } from '../../operator/secrets/tls-options.ts'

export interface Post {
  readonly body: Buffer | string
  readonly headers: Readonly<Record<string, string>>
  /** From the call until the whole answer is there. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

export interface PostAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** At most 64 KiB of it. */
  readonly body: string
}

/** No answer came. */
export class PostError extends Error {
  /** True when the other side cannot have read the request: no connection was made, or it had ended while idle. */
  readonly isUnsent: boolean

  constructor(message: string, isUnsent: boolean, cause: unknown) {
    super(message, { cause })
    this.name = 'PostError'
    this.isUnsent = isUnsent
  }
}

export interface Poster {
  post(post: Post): Promise<PostAnswer>
  close(): void
}

const MAX_ANSWER_BYTES = 65_536
const UNSENT_CODES = new Set(
  'ECONNREFUSED ENOTFOUND EAI_AGAIN EHOSTUNREACH ENETUNREACH EADDRNOTAVAIL'.split(' '),
)

/** How TLS is spoken, and the prefix of the settings that say so, for errors. */
export interface PosterTls {
  readonly tls: TlsConfig | undefined
  readonly prefix: string
}

/** Posts to one URL, http or https. Redirects are not followed. @throws TypeError when it is no such URL. */
export function createPoster(url: string, { tls, prefix }: PosterTls): Poster {
  const { protocol, origin, pathname } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:')
    throw new TypeError(`${protocol} is no http:// or https:// URL`)
  // What is before the host, and the query, may be secrets.
  const shown = `${origin}${pathname}`
  const isTls = protocol === 'https:'
  const agent = isTls ? tlsAgent({ keepAlive: true }, tls, prefix) : new Agent({ keepAlive: true })
  const start = isTls ? httpsRequest : httpRequest
  const post = ({ body, headers, timeoutMs, signal }: Post): Promise<PostAnswer> =>
    new Promise((resolve, reject) => {
      const request = start(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      })
      // AbortSignal.any would keep something of every request for as long as `signal` lives.
      const timer = setTimeout(
        () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      )
      const end = () => request.destroy(new Error('there is no time left'))
      signal.addEventListener('abort', end)
      const settle = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
      }
      const fail = (error: Error & { code?: string }) => {
        settle()
        const isUnsent =
          UNSENT_CODES.has(error.code ?? '') || (error.code === 'ECONNRESET' && request.reusedSocket)
        reject(new PostError(`POST ${shown}: ${error.message}`, isUnsent, error))
      }
      if (signal.aborted) end()
      request.on('error', fail)
      request.on('response', (response) => {
        const chunks: Buffer[] = []
        let size = 0
        response.on('data', (chunk: Buffer) => {
          if (size < MAX_ANSWER_BYTES) chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - size))
          size += chunk.length
        })
        response.on('error', fail)
        response.on('end', () => {
          settle()
          const { statusCode = 0, headers: answered } = response
          resolve({ status: statusCode, headers: answered, body: Buffer.concat(chunks).toString() })
        })
      })
      request.end(body)
    })
  return { post, close: () => agent.destroy() }
}

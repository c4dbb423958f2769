import https from 'node:https'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { tlsAgent } from './tls-agent.ts'
import type { TlsConfig } from './tls-options.ts'

/** What is used of fetch's. */
export interface FetchInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal?: AbortSignal
  readonly redirect?: 'manual'
}

export type Fetch = (url: string, init?: FetchInit) => Promise<Response>

/** Statuses that have no body, for which a Response takes none. */
const EMPTY = new Set([204, 205, 304])

/**
 * `fetch`, which by itself knows no authority and no certificate of one's own: https goes through an agent that does.
 * Follows no redirects there, and connects anew for each request. Throws what the connection, or the signal, ended with.
 */
export function tlsFetch(tls: TlsConfig | undefined, prefix: string): Fetch {
  return async (url, init = {}) => {
    if (!url.startsWith('https:')) return await fetch(url, init)
    const { method = 'GET', headers = {}, body, signal } = init
    const agent = tlsAgent({}, tls, prefix)
    return await new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers, agent, ...(signal ? { signal } : {}) })
      request.on('error', (error) => reject(signal?.aborted ? signal.reason : error))
      request.on('response', (answer) => {
        const status = answer.statusCode ?? 0
        const told = Object.entries(answer.headersDistinct).flatMap(([name, values = []]) =>
          values.map((value) => [name, value] as [string, string]),
        )
        if (EMPTY.has(status)) answer.resume()
        const stream = EMPTY.has(status) ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array>)
        resolve(new Response(stream as ConstructorParameters<typeof Response>[0], { status, headers: told }))
      })
      request.end(body)
    })
  }
}

// One call of a service of the mesh through Kong's proxy, so that balancing, breaker, tracing and policies apply.
// A function with an interface of its own: whatever calls services for the API may take its place.
import http from 'node:http'
import https from 'node:https'
import axios from 'axios'

export interface ServiceCall {
  /** With its query. */
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** From the call to the end of its answer, in ms. */
  readonly timeoutMs: number
}

export interface ServiceAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** @throws CallError when there is no answer */
export type CallService = (service: string, call: ServiceCall) => Promise<ServiceAnswer>

/** No answer. */
export class CallError extends Error {
  /** Has nothing of the call gone out? Then it may be made again. */
  readonly isUnsent: boolean

  constructor(message: string, isUnsent: boolean, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'CallError'
    this.isUnsent = isUnsent
  }
}

export interface ProxyOptions {
  /** e.g. http://127.0.0.1:8000 */
  readonly proxyUrl: string
  /** Host by which Kong routes to the service. */
  readonly hostOf: (service: string) => string
}

const LONGEST_ANSWER_BYTES = 1_048_576
const MOST_CONNECTIONS = 64
/** Codes of connections that were never made. */
const UNSENT = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'])

/** Calls through the proxy; `close` ends its connections. */
export function createCallService({ proxyUrl, hostOf }: ProxyOptions): {
  readonly call: CallService
  readonly close: () => void
} {
  const pool = { keepAlive: true, maxSockets: MOST_CONNECTIONS, maxFreeSockets: MOST_CONNECTIONS }
  const httpAgent = new http.Agent(pool)
  const httpsAgent = new https.Agent(pool)
  const client = axios.create({
    baseURL: proxyUrl,
    maxRedirects: 0,
    maxContentLength: LONGEST_ANSWER_BYTES,
    proxy: false,
    responseType: 'text',
    transformRequest: (body: unknown) => body,
    transformResponse: (text: unknown) => text,
    validateStatus: () => true,
    httpAgent,
    httpsAgent,
  })
  const call: CallService = async (service, { path, method, headers, body, timeoutMs }) => {
    // axios counts its timeout from the connection on: the signal bounds the whole.
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const answer = await client.request<string>({
        url: path,
        method,
        headers: { ...headers, host: hostOf(service) },
        data: Buffer.from(body),
        signal,
      })
      const texts = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
      return { status: answer.status, headers: Object.fromEntries(texts), body: answer.data ?? '' }
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string }
      const why = signal.aborted ? `no answer within ${timeoutMs} ms` : message || code
      throw new CallError(`${service}: ${why}`, UNSENT.has(code), { cause: error })
    }
  }
  return {
    call,
    close: () => {
      httpAgent.destroy()
      httpsAgent.destroy()
    },
  }
}

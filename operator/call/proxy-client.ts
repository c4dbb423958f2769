import http from 'node:http'
import { tlsAgent } from '../secrets/tls-agent.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'
import { proxyTls } from './proxy-tls.ts'
import type { Failure } from './retry.ts'

export interface ProxyRequest {
  readonly method: string
  readonly host: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly data: Buffer | undefined
}

export interface ProxyAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly bytes: Buffer
}

/** Why there is no answer. */
export class ProxyFailure extends Error {
  /** `too large` is one that will be so again. */
  readonly kind: Exclude<Failure, object> | 'too large'

  constructor(kind: ProxyFailure['kind'], message: string, cause: unknown) {
    super(message, { cause })
    this.name = 'ProxyFailure'
    this.kind = kind
  }
}

export interface ProxyClient {
  /** @throws ProxyFailure; whatever the signal aborts with */
  send(request: ProxyRequest, signal: AbortSignal): Promise<ProxyAnswer>
  close(): void
}

/** What an answer may hold, after it was unpacked. */
export const MOST_ANSWER_BYTES = 10 * 1024 * 1024

/** Kong closes a kept connection after 75 s: ours are given back before, so that no request meets that moment. */
const IDLE_MS = 30_000

export interface ProxyLimits {
  /** Of an answer. Default 10 MiB. */
  readonly mostBytes?: number
  /** At once; more requests wait. Default as many as there are requests. */
  readonly mostConnections?: number
  readonly tls?: TlsConfig | undefined
}

/** Sends to Kong's proxy over connections that are kept. */
export function createProxyClient(
  proxyUrl: string,
  { mostBytes = MOST_ANSWER_BYTES, mostConnections = Number.POSITIVE_INFINITY, tls }: ProxyLimits = {},
): ProxyClient {
  const kept = {
    keepAlive: true,
    timeout: IDLE_MS,
    maxSockets: mostConnections,
    maxFreeSockets: 64,
    scheduling: 'lifo',
  } as const
  const agents = {
    httpAgent: new http.Agent(kept),
    httpsAgent: tlsAgent(kept, proxyTls(proxyUrl, tls), 'kong.proxy'),
  }
  // Loaded with the first call: it is 10 MiB, and many an operator is never asked for one.
  const connect = async () =>
    (await import('axios')).default.create({
      ...agents,
      baseURL: proxyUrl,
      proxy: false,
      maxRedirects: 0,
      maxContentLength: mostBytes,
      maxBodyLength: Number.POSITIVE_INFINITY,
      responseType: 'arraybuffer',
      validateStatus: () => true,
      transformRequest: [(data: unknown) => data],
      transformResponse: [(data: unknown) => data],
    })
  let connecting: ReturnType<typeof connect> | undefined
  return {
    async send({ method, host, path, headers, data }, signal) {
      try {
        connecting ??= connect()
        const answer = await (await connecting).request<Buffer>({
          method,
          url: `${proxyUrl}${path}`,
          data,
          signal,
          headers: {
            accept: '*/*',
            'accept-encoding': 'identity',
            'user-agent': 'kongsul',
            ...headers,
            host,
          },
        })
        return { status: answer.status, headers: headersOf(answer.headers), bytes: answer.data }
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw failureOf(error)
      }
    },
    close: () => {
      agents.httpAgent.destroy()
      agents.httpsAgent.destroy()
    },
  }
}

const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
])

function failureOf(error: unknown): ProxyFailure {
  const { code = '', message } = error as Error & { code?: string }
  if (/maxContentLength/.test(message)) {
    return new ProxyFailure('too large', 'the answer is larger than what is handed on', error)
  }
  const kind = NOT_CONNECTED.has(code) ? 'connect' : 'broken'
  return new ProxyFailure(kind, message || code, error)
}

function headersOf(headers: object): Record<string, string | string[]> {
  const told = Object.entries(headers).filter(
    ([, value]) => typeof value === 'string' || Array.isArray(value),
  )
  return Object.fromEntries(told) as Record<string, string | string[]>
}

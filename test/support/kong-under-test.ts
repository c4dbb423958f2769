import http from 'node:http'
import { startGateway } from '../../kong/gateway/gateway.ts'

/** A Kong to test: the one KONG_ADMIN_URL and KONG_PROXY_URL name, else a dev gateway of its own. */
export interface KongUnderTest {
  readonly isReal: boolean
  readonly proxyPort: number
  /** Set when it was asked for: KONG_PROXY_TLS_URL names that of a real Kong. */
  readonly proxyTlsPort: number
  /** Throws on 400 and more, unless `status` is asked for. */
  admin(method: string, path: string, body?: unknown): Promise<AdminAnswer>
  /** One request through the proxy, on a connection of its own. */
  request(options: ProxyRequest): Promise<ProxyAnswer>
  /** Removes what was made through `admin` with PUT or POST, then stops a gateway of its own. */
  close(): Promise<void>
}

export interface AdminAnswer {
  readonly status: number
  readonly body: unknown
}

export interface ProxyRequest {
  readonly path: string
  readonly method?: string
  readonly host?: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  readonly timeoutMs?: number
  readonly agent?: http.Agent
}

export interface ProxyAnswer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

export interface StartOptions {
  /** Whether TLS requests will be made. */
  readonly tls?: boolean
  /** KONG_* variables for a gateway of its own. */
  readonly env?: Readonly<Record<string, string>>
  /** A gateway of its own whatever the environment says: for what needs settings of its own. */
  readonly alwaysOwn?: boolean
}

export async function startKongUnderTest({
  tls = false,
  env = {},
  alwaysOwn = false,
}: StartOptions = {}): Promise<KongUnderTest> {
  const { KONG_ADMIN_URL: adminUrl, KONG_PROXY_URL: proxyUrl, KONG_PROXY_TLS_URL: tlsUrl } = process.env
  if (adminUrl && proxyUrl && !alwaysOwn) {
    const proxy = new URL(proxyUrl)
    const proxyTlsPort = Number(new URL(tlsUrl ?? 'https://127.0.0.1:8443').port || 443)
    return underTest({
      isReal: true,
      adminUrl,
      proxyHost: proxy.hostname,
      proxyPort: Number(proxy.port || 80),
      proxyTlsPort,
      stop: async () => {},
    })
  }
  const log = { debug() {}, info() {}, warn() {}, error: alwaysOwn ? () => {} : console.error }
  const settings = { KONG_WORKER_STATE_UPDATE_FREQUENCY: '0.1', ...env }
  const listening = { proxyPort: 0, adminPort: 0, ...(tls ? { proxyTlsPort: 0 } : {}) }
  const gateway = await startGateway({ ...listening, log, env: settings })
  return underTest({
    isReal: false,
    adminUrl: `http://127.0.0.1:${gateway.adminPort}`,
    proxyHost: '127.0.0.1',
    proxyPort: gateway.proxyPort,
    proxyTlsPort: gateway.proxyTlsPort ?? 0,
    stop: () => gateway.close(),
  })
}

interface Access {
  readonly isReal: boolean
  readonly adminUrl: string
  readonly proxyHost: string
  readonly proxyPort: number
  readonly proxyTlsPort: number
  readonly stop: () => Promise<void>
}

function underTest({ isReal, adminUrl, proxyHost, proxyPort, proxyTlsPort, stop }: Access): KongUnderTest {
  const made: string[] = []

  async function admin(method: string, path: string, body?: unknown): Promise<AdminAnswer> {
    const response = await fetch(adminUrl.replace(/\/$/, '') + path, {
      method,
      signal: AbortSignal.timeout(10_000),
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const answer = { status: response.status, body: text === '' ? null : JSON.parse(text) }
    if (response.ok && method === 'PUT' && path.split('/').length === 3) made.push(path)
    else if (response.ok && method === 'POST' && path.split('/').length === 2)
      made.push(`${path}/${answer.body.id}`)
    return answer
  }

  return {
    isReal,
    proxyPort,
    proxyTlsPort,
    admin: async (method, path, body) => {
      const answer = await admin(method, path, body)
      if (answer.status >= 500)
        throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
      return answer
    },
    request: (options) => sendRequest(proxyHost, proxyPort, options),
    close: async () => {
      for (const path of made.reverse()) await admin('DELETE', path)
      await stop()
    },
  }
}

function sendRequest(host: string, port: number, options: ProxyRequest): Promise<ProxyAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host,
        port,
        path: options.path,
        method: options.method ?? 'GET',
        agent: options.agent ?? false,
        headers: {
          ...(options.host ? { host: options.host } : {}),
          ...options.headers,
        } as http.OutgoingHttpHeaders,
      },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: String(Buffer.concat(chunks)),
          }),
        )
      },
    )
    request.setTimeout(options.timeoutMs ?? 20_000, () =>
      request.destroy(new Error(`no answer from ${options.path}`)),
    )
    request.on('error', reject)
    request.end(options.body)
  })
}

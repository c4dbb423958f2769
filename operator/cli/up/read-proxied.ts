import { once } from 'node:events'
import http, { type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { proxyTls } from '../../call/proxy-tls.ts'
import { type TlsConfig, tlsOptions } from '../../secrets/tls-options.ts'

const TIMEOUT_MS = 10_000

/** One GET through the proxy to a service, by its host. Throws when no answer comes. */
export async function readProxied(
  proxyUrl: string,
  host: string,
  {
    path = '/',
    agent,
    headers = {},
    tls,
  }: {
    path?: string
    agent?: Agent
    headers?: Record<string, string>
    tls?: TlsConfig | undefined
  } = {},
): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }> {
  const { request } = proxyUrl.startsWith('https:') ? https : http
  const spoken = proxyUrl.startsWith('https:') ? tlsOptions(proxyTls(proxyUrl, tls)) : {}
  const outgoing = request(`${proxyUrl}${path}`, {
    ...spoken,
    ...(agent ? { agent } : {}),
    headers: { ...headers, host },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  // Without a listener an error after the answer has begun would end the process; reading the body reports it.
  outgoing.on('error', () => {})
  outgoing.end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  let body = ''
  for await (const chunk of answer.setEncoding('utf8')) body += chunk
  return { status: answer.statusCode ?? 0, body, headers: answer.headers }
}

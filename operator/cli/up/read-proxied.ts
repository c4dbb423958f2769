import { once } from 'node:events'
import http, { type Agent, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'

const TIMEOUT_MS = 10_000

/** One GET through the proxy to a service, by its host. Throws when no answer comes. */
export async function readProxied(
  proxyUrl: string,
  host: string,
  {
    path = '/',
    agent,
    headers = {},
  }: { path?: string; agent?: Agent; headers?: Record<string, string> } = {},
): Promise<{ status: number; body: string; headers: IncomingHttpHeaders }> {
  const { request } = proxyUrl.startsWith('https:') ? https : http
  const { protocol, hostname } = new URL(proxyUrl)
  const name = hostname.replace(/^\[|\]$/g, '')
  // Else Node asks for, and expects, a certificate for what the Host header says. An address is no name for SNI.
  const tls = protocol === 'https:' ? { servername: isIP(name) === 0 ? name : '' } : {}
  const outgoing = request(`${proxyUrl}${path}`, {
    ...tls,
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

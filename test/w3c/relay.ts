// The service behind the gateway that the W3C suite talks to. It makes the calls that the suite asks for, with the trace
// headers as they came: what a service without tracing of its own does.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Relay {
  readonly port: number
  close(): Promise<void>
}

/** What the suite posts: calls to make, each with the calls that the called one is to make. */
interface Call {
  readonly url: string
  readonly arguments?: unknown
}

const HANDED_ON = ['traceparent', 'tracestate', 'baggage'] as const

/**
 * Answers with the trace headers that came.
 * @param callbackUrl where calls go instead of their own host: a route of the gateway, so that they pass it too
 */
export async function startRelay(callbackUrl: string): Promise<Relay> {
  const server = createServer((incoming, answer) => {
    relay(incoming, callbackUrl).then(
      (headers) => answer.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(headers)),
      (error: Error) => answer.writeHead(502).end(error.message),
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function relay(incoming: IncomingMessage, callbackUrl: string): Promise<OutgoingHttpHeaders> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  // The suite looks first whether anybody is there, with null.
  const calls = (JSON.parse(Buffer.concat(chunks).toString() || 'null') ?? []) as readonly Call[]
  const headers = traceHeaders(incoming)
  for (const { url, arguments: inner = [] } of calls) {
    await post(callbackUrl + new URL(url).pathname, headers, JSON.stringify(inner))
  }
  return headers
}

/** Every line of a header that came more than once. */
function traceHeaders({ headersDistinct }: IncomingMessage): OutgoingHttpHeaders {
  const found = HANDED_ON.map((name) => [name, headersDistinct[name]] as const)
  return Object.fromEntries(found.filter(([, values]) => values !== undefined))
}

async function post(url: string, headers: OutgoingHttpHeaders, body: string): Promise<void> {
  const length = Buffer.byteLength(body)
  const sent = request(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, 'content-type': 'application/json', 'content-length': length },
  })
  sent.end(body)
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
}

import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/**
 * What happens to one request: `cutBefore` never reaches the server, `cutMidway` does with half of its body, `cutAfter`
 * does and its answer is lost.
 */
export type Chaos =
  | { readonly what: 'none' | 'cutBefore' | 'cutMidway' | 'cutAfter' }
  | { readonly what: 'slow'; readonly ms: number }
  | { readonly what: 'answer'; readonly status: number; readonly text: string }

export interface Asked {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly body: string
}

export interface Answered {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export interface ChaosProxyOptions {
  readonly targetUrl: string
  readonly chaosOf: (asked: Asked) => Chaos
  /** Around each request that goes on to the server. By default it just goes. */
  readonly around?: (asked: Asked, forward: () => Promise<Answered>) => Promise<Answered>
}

export interface ChaosProxy {
  readonly url: string
  /** Cuts every connection that is open now. */
  cut(): void
  /** As if the network to it were gone for good: everything is cut, nothing is accepted any more. */
  close(): Promise<void>
}

/** A server in front of a real one that delays, refuses, cuts or watches requests. */
export async function startChaosProxy(options: ChaosProxyOptions): Promise<ChaosProxy> {
  const { targetUrl, chaosOf, around = (_, forward) => forward() } = options
  const sockets = new Set<Socket>()
  const inFlight = new Set<Promise<unknown>>()
  const agent = new http.Agent({ keepAlive: true })

  const serve = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/' } = request
    const asked: Asked = { method, path: url, body: await textOf(request) }
    const chaos = chaosOf(asked)
    if (chaos.what === 'slow') await delay(chaos.ms)
    if (chaos.what === 'cutBefore' || request.socket.destroyed) return void request.socket.destroy()
    if (chaos.what === 'cutMidway') {
      await sendHalf(targetUrl, asked, request)
      return void request.socket.destroy()
    }
    const answered =
      chaos.what === 'answer'
        ? { status: chaos.status, headers: { 'content-type': 'application/json' }, body: chaos.text }
        : await around(asked, () => forward(asked, request, response))
    if (chaos.what === 'cutAfter') return void request.socket.destroy()
    const { 'transfer-encoding': _, connection: __, ...headers } = answered.headers
    response.writeHead(answered.status, headers)
    response.end(answered.body)
  }
  const forward = async (
    { method, path, body }: Asked,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): Promise<Answered> => {
    const onward = http.request(`${targetUrl}${path}`, { method, headers: request.headers, agent })
    // A write that is on the wire arrives whatever becomes of who sent it; a blocking query has nobody left to wait.
    if (method === 'GET') response.once('close', () => response.writableEnded || onward.destroy())
    onward.end(body)
    const [answer] = (await once(onward, 'response')) as [http.IncomingMessage]
    return { status: answer.statusCode ?? 502, headers: answer.headers, body: await textOf(answer) }
  }

  const server = http.createServer((request, response) => {
    const served = serve(request, response).catch(() => void request.socket.destroy())
    inFlight.add(served)
    void served.finally(() => inFlight.delete(served))
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    close: async () => {
      const closed = new Promise((done) => server.close(done))
      cut()
      // What was on the wire arrives, and `around` hears of the answer.
      await Promise.all(inFlight)
      agent.destroy()
      await closed
    },
  }
}

/** Half of the body, of a request that says it is whole, and then the connection ends. */
async function sendHalf(
  targetUrl: string,
  { method, path, body }: Asked,
  { headers }: http.IncomingMessage,
): Promise<void> {
  const onward = http.request(`${targetUrl}${path}`, { method, headers })
  const over = new Promise<void>((resolve) => {
    onward.on('error', () => resolve()).on('close', () => resolve())
    onward.on('response', (answer) => answer.resume())
  })
  onward.write(body.slice(0, Math.floor(body.length / 2)) || ' ', () => onward.destroy())
  await over
}

async function textOf(stream: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

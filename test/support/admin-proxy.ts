import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface AdminCall {
  readonly method: string
  /** Without its query. */
  readonly path: string
  /** Sent body; '' for none. */
  readonly body: string
  /** When the answer had come, in ms of performance.now(). */
  readonly doneMs: number
}

export interface AdminProxy {
  readonly url: string
  /** What was answered so far. */
  readonly calls: readonly AdminCall[]
  /** The calls so far, which are forgotten. */
  takeCalls(): readonly AdminCall[]
  close(): Promise<void>
}

/** Stands before an Admin API, writes down what is called, and takes `delayMs` for each call. */
export async function startAdminProxy(targetUrl: string, { delayMs = 0 } = {}): Promise<AdminProxy> {
  const calls: AdminCall[] = []
  const agent = new http.Agent({ keepAlive: true })
  const server = http.createServer((request, response) => {
    const { method = 'GET', url = '/' } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const body = Buffer.concat(chunks)
      if (delayMs > 0) await delay(delayMs) // the latency that is asked for
      const { headers } = request
      const onward = http.request(`${targetUrl}${url}`, { method, headers, agent }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
        answer.on('end', () =>
          calls.push({ method, path: url.split('?')[0]!, body: body.toString(), doneMs: performance.now() }),
        )
      })
      onward.on('error', () => response.destroy())
      onward.end(body)
    })
  })
  server.keepAliveTimeout = 75_000 // as nginx
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    takeCalls: () => calls.splice(0),
    close: async () => {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

export const isWrite = ({ method }: AdminCall): boolean => method !== 'GET'

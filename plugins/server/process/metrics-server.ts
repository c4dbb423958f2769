import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface MetricsServerOptions {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly readMetrics: () => Promise<string>
  readonly readHealth: () => { readonly isHealthy: boolean } & Readonly<Record<string, unknown>>
}

const MAX_CONNECTIONS = 64

/** Serves `/metrics` for Prometheus and `/healthz` (200, or 503 without a working process). @throws when the port is taken. */
export async function startMetricsServer({ host, port, readMetrics, readHealth }: MetricsServerOptions) {
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]
    const answer = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
    if (path === '/metrics') {
      readMetrics().then(
        (text) => answer(200, 'text/plain; version=0.0.4; charset=utf-8', text),
        (error: Error) => answer(500, 'text/plain', `${error.message}\n`),
      )
    } else if (path === '/healthz') {
      const health = readHealth()
      answer(health.isHealthy ? 200 : 503, 'application/json', JSON.stringify(health))
    } else answer(404, 'text/plain', 'there are /metrics and /healthz\n')
  })
  // Whoever reaches it must not use up the descriptors of the parent.
  server.maxConnections = MAX_CONNECTIONS
  server.listen({ host, port })
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

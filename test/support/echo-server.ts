import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What an echo server does with the next requests. */
export interface EchoBehaviour {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Never answers. */
  readonly hang?: boolean
  /** Ends the connection once the request was read. */
  readonly reset?: boolean
}

export interface Echo {
  readonly port: number
  readonly url: string
  readonly method: string
  readonly bytes: number
  readonly headers: http.IncomingHttpHeaders
}

export interface EchoServer {
  readonly port: number
  /** Requests read so far, health probes included. */
  readonly seen: readonly Echo[]
  behave(behaviour: EchoBehaviour): void
  close(): Promise<void>
}

/** Answers with what it was asked, as JSON; on a free port of 127.0.0.1 unless others are given. */
export async function startEchoServer(port = 0, host = '127.0.0.1'): Promise<EchoServer> {
  let behaviour: EchoBehaviour = {}
  const seen: Echo[] = []
  const server = http.createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('error', () => {})
    request.on('end', () => {
      const { hang, reset, status = 200, headers = {} } = behaviour
      const echo = {
        port: (server.address() as AddressInfo).port,
        url: request.url ?? '',
        method: request.method ?? '',
        bytes,
        headers: request.headers,
      }
      seen.push(echo)
      if (hang) return
      if (reset) {
        request.socket.destroy()
        return
      }
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(JSON.stringify(echo))
    })
  })
  server.keepAliveTimeout = 60_000
  server.maxHeadersCount = 0
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    behave: (next) => {
      behaviour = next
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fault = 'none' | 'refuse-500' | 'drop'

export interface FaultyProxy {
  readonly url: string
  /** Requests so far, as `METHOD /path`. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/**
 * A server in front of a real one that breaks chosen requests: `refuse-500` answers 500 itself, `drop` passes the
 * request on and closes the connection without the answer.
 */
export async function startFaultyProxy(
  targetUrl: string,
  faultOf: (method: string, path: string, body: string) => Fault,
): Promise<FaultyProxy> {
  const requests: string[] = []
  const server = http.createServer((request, response) => {
    const { method = 'GET', url = '/' } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      requests.push(`${method} ${url}`)
      const fault = faultOf(method, url, body.toString())
      if (fault === 'refuse-500') {
        response.writeHead(500, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ message: 'An unexpected error occurred' }))
        return
      }
      const onward = http.request(`${targetUrl}${url}`, { method, headers: request.headers }, (answer) => {
        if (fault === 'drop') {
          answer.resume()
          response.destroy()
          return
        }
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      onward.on('error', () => response.destroy())
      onward.end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

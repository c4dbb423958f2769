import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

export type Fault =
  | 'none'
  | 'refuse-500'
  | 'drop'
  /** Closes the connection without passing the request on. */
  | 'cut'
  /** Answers so itself. */
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Passes the request on this much later. */
  | { readonly delayMs: number }
  /** Asks for another path instead. */
  | { readonly path: string }
  /** Passes the answer on with these headers over its own. */
  | { readonly headers: Readonly<Record<string, string>> }

export interface FaultyProxy {
  readonly url: string
  /** Requests so far, as `METHOD /path`. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

/**
 * A server in front of a real one that breaks chosen requests: `refuse-500` answers 500 itself, `drop` passes the
 * request on and closes the connection without the answer; see Fault for the rest.
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
      if (fault === 'cut') {
        request.socket.destroy()
        return
      }
      if (typeof fault === 'object' && 'status' in fault) {
        response.writeHead(fault.status, fault.headers)
        response.end(fault.body ?? '')
        return
      }
      const passOn = () => {
        const path = typeof fault === 'object' && 'path' in fault ? fault.path : url
        const onward = http.request(`${targetUrl}${path}`, { method, headers: request.headers }, (answer) => {
          if (fault === 'drop') {
            answer.resume()
            response.destroy()
            return
          }
          const over = typeof fault === 'object' && 'headers' in fault ? fault.headers : {}
          response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...over })
          answer.pipe(response)
        })
        onward.on('error', () => response.destroy())
        onward.end(body)
      }
      if (typeof fault === 'object' && 'delayMs' in fault) setTimeout(passOn, fault.delayMs).unref()
      else passOn()
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

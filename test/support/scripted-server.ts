import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** One answer. `hang` never answers, `reset` ends the connection. */
export type ScriptedAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | 'hang'
  | 'reset'

export interface SeenRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Unpacked where it was compressed. */
  readonly body: string
  readonly atMs: number
}

export interface ScriptedServer {
  readonly url: string
  readonly port: number
  readonly seen: readonly SeenRequest[]
  /** The answers to the next requests, in order; the last one stays. */
  script(...answers: readonly ScriptedAnswer[]): void
  close(): Promise<void>
}

/** Keeps what it is asked and answers what it was told; 200 with `{}` at first. Port 0 takes a free one. */
export async function startScriptedServer(port = 0): Promise<ScriptedServer> {
  let answers: readonly ScriptedAnswer[] = [{ status: 200, body: '{}' }]
  const seen: SeenRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const { headers, method = '', url: path = '' } = request
      const body = (headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString()
      seen.push({ method, path, headers, body, atMs: performance.now() })
      const answer = answers[0]!
      if (answers.length > 1) answers = answers.slice(1)
      if (answer === 'hang') return
      if (answer === 'reset') request.socket.destroy()
      else response.writeHead(answer.status, answer.headers).end(answer.body ?? '')
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    seen,
    script: (...next) => {
      answers = next
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

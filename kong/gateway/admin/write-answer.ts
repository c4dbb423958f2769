/** Writes an answer with the headers Kong sends. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './answer.ts'

export function writeAnswer(
  incoming: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  { version, startedMs }: { readonly version: string; readonly startedMs: number },
): void {
  response.setHeader('Access-Control-Allow-Origin', incoming.headers.origin ?? '*')
  response.setHeader('Access-Control-Allow-Credentials', 'true')
  response.setHeader('X-Kong-Admin-Latency', String(Math.round(performance.now() - startedMs)))
  response.setHeader('Server', `kong/${version}`)
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  const [type, text] = contentOf(answer)
  // nginx's own rule for a condition that any version of the answer meets.
  if (answer.status === 200 && incoming.headers['if-none-match'] === '*') {
    response.writeHead(304).end()
    return
  }
  // Of a body that was refused unread nothing more is wanted.
  if (!incoming.complete) response.setHeader('Connection', 'close')
  if (type === undefined) {
    response.writeHead(answer.status).end()
    return
  }
  response.setHeader('Content-Type', type)
  response.setHeader('Content-Length', Buffer.byteLength(text))
  response.writeHead(answer.status)
  response.end(incoming.method === 'HEAD' ? undefined : text)
}

function contentOf({ json, html, text }: Answer): [type: string | undefined, text: string] {
  if (html !== undefined) return ['text/html; charset=UTF-8', html]
  if (text !== undefined) return ['text/plain; charset=UTF-8', text]
  if (json !== undefined) return ['application/json; charset=utf-8', JSON.stringify(json)]
  return [undefined, '']
}

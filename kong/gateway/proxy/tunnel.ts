import type { Socket } from 'node:net'
import type { ResponseHead } from './parse-response-head.ts'
import type { RequestContext } from './request-context.ts'
import { clientHeaders } from './response-head.ts'

interface TunnelInput {
  readonly context: RequestContext
  readonly upstream: Socket
  /** Bytes that came with the upstream's 101. */
  readonly rest: Buffer | null
  readonly head: ResponseHead
  readonly idleTimeoutMs: number
}

/** After a 101 the two sockets are one pipe; it ends when either side ends, or with nothing moving for a while. */
export function startTunnel({ context, upstream, rest, head, idleTimeoutMs }: TunnelInput): void {
  const client = context.socket
  const headers = clientHeaders(context, head, true)
  let text = `HTTP/1.1 101 ${head.reason || 'Switching Protocols'}\r\nUpgrade: websocket\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    text += `${headers[i]}: ${headers[i] === 'Connection' ? 'upgrade' : headers[i + 1]}\r\n`
  }
  context.response.detachSocket(client)
  client.write(`${text}\r\n`, 'latin1')
  if (rest) client.write(rest)
  if (context.upgradeHead && context.upgradeHead.length > 0) upstream.write(context.upgradeHead)
  client.pipe(upstream)
  upstream.pipe(client)
  upstream.setTimeout(idleTimeoutMs, () => upstream.destroy())
  const end = (): void => {
    client.destroy()
    upstream.destroy()
  }
  client.once('error', end)
  upstream.once('error', end)
  upstream.once('close', end)
  client.once('close', () => {
    end()
    context.response.emit('close')
  })
}

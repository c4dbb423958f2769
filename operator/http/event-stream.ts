// Server-sent events to one client (https://html.spec.whatwg.org/multipage/server-sent-events.html).
import type { FastifyReply } from 'fastify'

export interface EventStream {
  /** Bytes that the client has not taken yet. */
  readonly waitingBytes: number
  write(text: string): void
  /** Ends the connection. */
  cut(): void
}

const HEARTBEAT_MS = 15_000

/**
 * Begins a stream; fastify has nothing more to do with the reply.
 * @param begin called with the stream; what it returns is called once the client is gone
 */
export function startEventStream(
  reply: FastifyReply,
  begin: (stream: EventStream) => () => void,
  heartbeatMs = HEARTBEAT_MS,
): FastifyReply {
  reply.hijack()
  const { raw } = reply
  raw.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  raw.write(': hello\n\n')
  const end = begin({
    get waitingBytes() {
      return raw.writableLength
    },
    write: (text) => void raw.write(text),
    cut: () => void raw.destroy(),
  })
  const timer = setInterval(() => raw.write(': still here\n\n'), heartbeatMs)
  timer.unref()
  raw.on('close', () => {
    clearInterval(timer)
    end()
  })
  return reply
}

import type { FastifyInstance } from 'fastify'
import type { EventLog } from '../api/event-log.ts'
import { endpoint, V2 } from './endpoint.ts'
import { RequestError } from './request-error.ts'

const HEARTBEAT_MS = 15_000
const MOST_LISTENERS = 100
/** Who does not read is let go; with Last-Event-ID nothing is lost. */
const MOST_WAITING_BYTES = 1024 * 1024

/** `GET /events`: server-sent events; Last-Event-ID asks for those that were missed. */
export const eventsRoute =
  (events: Pick<EventLog, 'since' | 'listen' | 'listeners'>, heartbeatMs = HEARTBEAT_MS) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/events`,
      summary: 'Events as they happen: reconcile, health, breaker, override, alert. Last-Event-ID replays.',
      door: 'read',
      answer: 'text/event-stream',
      errors: [503],
      handle: ({ request, reply }) => {
        if (request.method === 'HEAD') return ''
        if (events.listeners >= MOST_LISTENERS)
          throw new RequestError(503, `${MOST_LISTENERS} listen already`)
        reply.hijack()
        const { raw } = reply
        raw.writeHead(200, {
          'content-type': 'text/event-stream',
          'cache-control': 'no-store',
          'x-accel-buffering': 'no',
        })
        raw.write(': hello\n\n')
        const lastId = request.headers['last-event-id']
        if (/^\d{1,16}$/.test(String(lastId))) {
          for (const { text } of events.since(Number(lastId))) raw.write(text)
        }
        const end = events.listen(({ text }) => {
          raw.write(text)
          if (raw.writableLength > MOST_WAITING_BYTES) raw.destroy()
        })
        const timer = setInterval(() => raw.write(': still here\n\n'), heartbeatMs)
        timer.unref()
        raw.on('close', () => {
          clearInterval(timer)
          end()
        })
        return reply
      },
    })
  }

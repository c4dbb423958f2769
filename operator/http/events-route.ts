import type { FastifyInstance } from 'fastify'
import type { EventLog } from '../api/event-log.ts'
import { endpoint, V2 } from './endpoint.ts'
import { type EventStream, startEventStream } from './event-stream.ts'
import { RequestError } from './request-error.ts'

const MOST_LISTENERS = 100
/** Who does not read is let go; with Last-Event-ID nothing is lost. */
const MOST_WAITING_BYTES = 1024 * 1024

/** `GET /events`: server-sent events; Last-Event-ID asks for those that were missed. */
export const eventsRoute =
  (events: Pick<EventLog, 'since' | 'listen' | 'listeners'>, heartbeatMs?: number) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/events`,
      summary:
        'Events as they happen: reconcile, health, breaker, override, alert, canary. Last-Event-ID replays.',
      door: 'read',
      answer: 'text/event-stream',
      errors: [503],
      handle: ({ request, reply }) => {
        if (request.method === 'HEAD') return ''
        if (events.listeners >= MOST_LISTENERS)
          throw new RequestError(503, `${MOST_LISTENERS} listen already`)
        const begin = (stream: EventStream) => {
          const lastId = request.headers['last-event-id']
          if (/^\d{1,16}$/.test(String(lastId))) {
            for (const { text } of events.since(Number(lastId))) stream.write(text)
          }
          return events.listen(({ text }) => {
            stream.write(text)
            if (stream.waitingBytes > MOST_WAITING_BYTES) stream.cut()
          })
        }
        return startEventStream(reply, begin, heartbeatMs)
      },
    })
  }

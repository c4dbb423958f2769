import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { OutcomeTap } from '../metrics/outcome-tap.ts'
import { endpoint, V2 } from './endpoint.ts'
import { type EventStream, startEventStream } from './event-stream.ts'
import { serviceField } from './read-fields.ts'
import { RequestError } from './request-error.ts'

const MOST_LISTENERS = 20
/** Whoever reads more slowly than requests come gets a part of them, and is told how many are missing. */
const MOST_WAITING_BYTES = 256 * 1024

/** `GET /outcomes`: what becomes of requests, as it does, as server-sent events. */
export const tapRoute =
  (tap: Pick<OutcomeTap, 'listen' | 'listeners'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/outcomes`,
      summary:
        'What becomes of requests, as they end: one event `outcome` each; `missed` counts those left out.',
      door: 'read',
      query: QUERY,
      answer: 'text/event-stream',
      errors: [503],
      example: { query: { service: 'web', status: '5xx' } },
      handle: ({ request, reply, query: { service = null, status = null, instance = null } }) => {
        if (request.method === 'HEAD') return ''
        if (tap.listeners >= MOST_LISTENERS) throw new RequestError(503, `${MOST_LISTENERS} listen already`)
        const begin = (stream: EventStream) => {
          let missed = 0
          return tap.listen({ service, status, instance }, (outcome) => {
            if (stream.waitingBytes > MOST_WAITING_BYTES) {
              missed++
              return
            }
            if (missed > 0) stream.write(`event: missed\ndata: ${JSON.stringify({ missed })}\n\n`)
            missed = 0
            stream.write(`event: outcome\ndata: ${JSON.stringify(outcome)}\n\n`)
          })
        }
        return startEventStream(reply, begin)
      },
    })
  }

const QUERY = {
  service: serviceField.optional(),
  status: z
    .string()
    .regex(/^[1-5](?:\d\d|xx)$/, 'must be a status such as 503, or a class such as 5xx')
    .optional(),
  instance: z.string().min(1, 'must not be empty').max(300).optional(),
}

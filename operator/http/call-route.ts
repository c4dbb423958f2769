import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { callBody } from '../call/call-request.ts'
import type { Caller } from '../call/caller.ts'
import { endpoint, V2 } from './endpoint.ts'

/** `POST /call`: one request to a service through Kong's proxy. */
export const callRoute =
  (caller: Pick<Caller, 'call'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'POST',
      path: `${V2}/call`,
      summary: 'Calls a service through Kong’s proxy; retries only what is safe, within the timeout.',
      door: 'call',
      body: callBody,
      answer: callShape,
      errors: [404, 502, 503, 504],
      example: { body: { service_name: 'web', method: 'GET', path: '/', timeout: 5, retry_count: 1 } },
      handle: async ({ body, reply }) => {
        const gone = new AbortController()
        reply.raw.once('close', () => {
          if (!reply.raw.writableFinished) gone.abort(new Error('the client has left'))
        })
        return await caller.call(body, gone.signal)
      },
    })
  }

const callShape = z.object({
  status_code: z.int(),
  headers: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  body: z.json().meta({ description: 'parsed where it is JSON, else text, else base64' }),
  body_encoding: z.literal('base64').optional(),
  instance_id: z
    .string()
    .nullable()
    .meta({ description: 'null where it is not known 100 ms after the answer' }),
  trace_id: z.string().regex(/^[0-9a-f]{32}$/),
  duration: z.number().meta({ description: 'seconds until the proxy had answered' }),
})

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ReleasedHolds } from '../sync/holds.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField } from './read-fields.ts'

/**
 * `POST /api/v1/mesh/v2/guard/accept` {service?, by?}: lets happen now what is held because too much vanished, or turned
 * critical, at once. Any operator can be asked.
 */
export const guardRoutes =
  (accept: (service: string | null, by: string) => Promise<readonly ReleasedHolds[]>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'POST',
      path: `${V2}/guard/accept`,
      summary: 'Lets happen now what is held because too much vanished, or turned critical, at once.',
      door: 'write',
      body: BODY,
      answer: z.object({ accepted: z.array(z.looseObject({})), total: z.int() }),
      errors: [404, 502, 503],
      example: { body: { service: 'web', by: 'ada' } },
      handle: async ({ body: { service = null, by = 'api' } }) => {
        const accepted = await answeringForConsul(() => accept(service, by))
        return { accepted, total: accepted.length }
      },
    })
  }

const BODY = { service: serviceField.optional(), by: z.string().max(200).optional() }

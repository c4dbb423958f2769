import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ReleasedHolds } from '../sync/holds.ts'
import { answeringForConsul } from './consul-answers.ts'
import { readFields, serviceField } from './read-fields.ts'

/**
 * `POST /api/v1/mesh/v2/guard/accept` {service?, by?}: lets happen now what is held because too much vanished, or turned
 * critical, at once. Any operator can be asked.
 */
export const guardRoutes =
  (accept: (service: string | null, by: string) => Promise<readonly ReleasedHolds[]>) =>
  (app: FastifyInstance): void => {
    app.post('/api/v1/mesh/v2/guard/accept', async (request) => {
      const { service = null, by = 'api' } = readFields(BODY, request.body)
      const accepted = await answeringForConsul(() => accept(service, by))
      return { accepted, total: accepted.length }
    })
  }

const BODY = { service: serviceField.optional(), by: z.string().max(200).optional() }

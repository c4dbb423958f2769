import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ApplyResult } from '../sync/apply-now.ts'
import { endpoint, V2 } from './endpoint.ts'
import { answeringForKong } from './kong-answers.ts'
import { serviceField } from './read-fields.ts'

/** `POST /api/v1/mesh/v2/apply` {service?}: reads Kong and applies what differs, now. */
export const applyRoute =
  (apply: (service: string | null) => Promise<ApplyResult>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'POST',
      path: `${V2}/apply`,
      summary: 'Reads Kong and applies what differs, now; of one service or of all.',
      door: 'write',
      body: { service: serviceField.optional() },
      answer: z.looseObject({}),
      errors: [404, 409, 502, 503],
      example: { body: { service: 'web' } },
      handle: ({ body: { service } }) => answeringForKong(() => apply(service ?? null)),
    })
  }

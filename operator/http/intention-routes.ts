import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { IntentionsStatus } from '../sync/intentions-status.ts'
import { endpoint, V2 } from './endpoint.ts'

/** `GET /api/v1/mesh/v2/intentions`: whom services let in, and whether the gateway keeps the others out. */
export const intentionRoutes =
  (status: () => IntentionsStatus) =>
  (app: FastifyInstance): void =>
    endpoint(app, {
      method: 'GET',
      path: `${V2}/intentions`,
      summary:
        'Services that do not let everybody in, by Consul’s intentions, and whether that is enforced (at the gateway only).',
      door: 'read',
      answer: z.object({
        intentions: z.array(z.object(ROW)),
        total: z.int(),
        enforced_at: z.literal('gateway'),
        default: z.enum(['allow', 'deny']).nullable(),
        known: z.boolean(),
      }),
      handle: () => {
        const { services, ...rest } = status()
        return { intentions: services, total: services.length, ...rest }
      },
    })

const ROW = {
  service: z.string(),
  lets: z.enum(['all', 'only', 'except', 'unknown']),
  callers: z.array(z.string()),
  enforced: z.boolean(),
  note: z.string(),
}

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { ChangeLog } from '../sync/change-log.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField, wholeNumber } from './read-fields.ts'

/** `GET /api/v1/mesh/v2/changes?service=&limit=`: what the operator did, newest first. */
export const changesRoute =
  (log: Pick<ChangeLog, 'list'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/changes`,
      summary: 'What the operator did, when, why and with which difference; newest first.',
      door: 'read',
      query: QUERY,
      answer: z.looseObject({ changes: z.array(z.looseObject({})), total: z.int() }),
      handle: ({ query: { service, limit } }) => log.list({ service, limit: limit ?? 100 }),
    })
  }

const QUERY = { service: serviceField.optional(), limit: wholeNumber(1, 1000).optional() }

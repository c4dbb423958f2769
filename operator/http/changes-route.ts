import type { FastifyInstance } from 'fastify'
import type { ChangeLog } from '../sync/change-log.ts'
import { readFields, serviceField, wholeNumber } from './read-fields.ts'

/** `GET /api/v1/mesh/v2/changes?service=&limit=`: what the operator did, newest first. */
export const changesRoute =
  (log: Pick<ChangeLog, 'list'>) =>
  (app: FastifyInstance): void => {
    app.get('/api/v1/mesh/v2/changes', async (request) => {
      const { service, limit } = readFields(QUERY, request.query)
      return log.list({ service, limit: limit ?? 100 })
    })
  }

const QUERY = { service: serviceField.optional(), limit: wholeNumber(1, 1000).optional() }

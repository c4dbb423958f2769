import type { FastifyInstance } from 'fastify'
import type { ApplyResult } from '../sync/apply-now.ts'
import { answeringForKong } from './kong-answers.ts'
import { readFields, serviceField } from './read-fields.ts'

/** `POST /api/v1/mesh/v2/apply` {service?}: reads Kong and applies what differs, now. */
export const applyRoute =
  (apply: (service: string | null) => Promise<ApplyResult>) =>
  (app: FastifyInstance): void => {
    app.post('/api/v1/mesh/v2/apply', async (request) => {
      const { service } = readFields({ service: serviceField.optional() }, request.body)
      return await answeringForKong(() => apply(service ?? null))
    })
  }

import type { FastifyInstance } from 'fastify'
import type { PlanReport } from '../core/plan-report.ts'
import { answeringForKong } from './kong-answers.ts'
import { readFields } from './read-fields.ts'

/** `GET /api/v1/mesh/v2/plan`: what the operator would change in Kong now, as `kongsul plan -o json` prints it. */
export const planRoute =
  (plan: () => Promise<PlanReport>) =>
  (app: FastifyInstance): void => {
    app.get('/api/v1/mesh/v2/plan', async (request) => {
      readFields({}, request.query)
      return await answeringForKong(plan)
    })
  }

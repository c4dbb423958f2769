import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { PlanReport } from '../core/plan-report.ts'
import { endpoint, V2 } from './endpoint.ts'
import { answeringForKong } from './kong-answers.ts'

/** `GET /api/v1/mesh/v2/plan`: what the operator would change in Kong now, as `kongsul plan -o json` prints it. */
export const planRoute =
  (plan: () => Promise<PlanReport>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/plan`,
      summary: 'What the operator would change in Kong now.',
      door: 'read',
      answer: z.looseObject({}),
      errors: [409, 502, 503],
      handle: () => answeringForKong(plan),
    })
  }

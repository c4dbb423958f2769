import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type AdoptSources, adopt } from '../sync/adopt.ts'
import { endpoint, V2 } from './endpoint.ts'
import { answeringForKong } from './kong-answers.ts'

/** `POST /api/v1/mesh/v2/adopt` {kind, name}: ours takes the place of an entity that somebody made by hand. */
export const adoptRoute =
  (sources: AdoptSources) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'POST',
      path: `${V2}/adopt`,
      summary: 'Takes over an upstream, service or route that somebody made by hand under a name of ours.',
      door: 'write',
      body: BODY,
      answer: z.looseObject({}),
      errors: [404, 409, 502, 503],
      example: { body: { kind: 'upstream', name: 'web.mesh' } },
      handle: ({ body: { kind, name } }) => answeringForKong(() => adopt(sources, kind, name)),
    })
  }

const BODY = {
  kind: z.enum(['upstream', 'service', 'route'], 'must be upstream, service or route'),
  name: z.string().min(1).max(500),
}

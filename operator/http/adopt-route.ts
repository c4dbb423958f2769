import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type AdoptSources, adopt } from '../sync/adopt.ts'
import { answeringForKong } from './kong-answers.ts'
import { readFields } from './read-fields.ts'

/** `POST /api/v1/mesh/v2/adopt` {kind, name}: ours takes the place of an entity that somebody made by hand. */
export const adoptRoute =
  (sources: AdoptSources) =>
  (app: FastifyInstance): void => {
    app.post('/api/v1/mesh/v2/adopt', async (request) => {
      const { kind, name } = readFields(BODY, request.body)
      return await answeringForKong(() => adopt(sources, kind, name))
    })
  }

const BODY = {
  kind: z.enum(['upstream', 'service', 'route'], 'must be upstream, service or route'),
  name: z.string().min(1).max(500),
}

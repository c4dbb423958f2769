import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Override } from '../core/diff.ts'
import { type ActionTarget, pinEntity, releaseEntity } from '../sync/override-actions.ts'
import { answeringForKong } from './kong-answers.ts'
import { readFields } from './read-fields.ts'

const PATH = '/api/v1/mesh/v2/overrides'

/**
 * `GET /overrides`: what people edited in Kong and is kept. `DELETE /overrides/{entity}?field=` gives it back to
 * Consul, `PUT /overrides/{entity}` {field} pins a field before it is edited. An entity is an id, a name or `kind/name`.
 */
export const overrideRoutes =
  (target: ActionTarget, list: () => readonly Override[]) =>
  (app: FastifyInstance): void => {
    app.get(PATH, async (request) => {
      readFields({}, request.query)
      const overrides = list().map(shown)
      return { overrides, total: overrides.length }
    })
    app.delete(`${PATH}/:entity`, async (request) => {
      const { entity } = readFields(PARAMS, request.params)
      const { field } = readFields({ field: FIELD.optional() }, request.query)
      return await answeringForKong(() => releaseEntity(target, entity, field ?? null))
    })
    app.put(`${PATH}/:entity`, async (request) => {
      const { entity } = readFields(PARAMS, request.params)
      const { field } = readFields({ field: FIELD }, request.body)
      return await answeringForKong(() => pinEntity(target, entity, field))
    })
  }

const FIELD = z.string().min(1, 'must name a field').max(300)
const PARAMS = { entity: z.string().min(1).max(500) }

function shown({ id, kind, name, service, field, wanted, actual, sinceMs }: Override) {
  const since = sinceMs === undefined ? null : new Date(sinceMs).toISOString()
  return { entity: id, kind, name, service, field, wanted, actual, since }
}

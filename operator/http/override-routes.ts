import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Override } from '../core/diff.ts'
import { type ActionTarget, pinEntity, releaseEntity } from '../sync/override-actions.ts'
import { endpoint, V2 } from './endpoint.ts'
import { answeringForKong } from './kong-answers.ts'

const PATH = `${V2}/overrides`

/**
 * `GET /overrides`: what people edited in Kong and is kept. `DELETE /overrides/{entity}?field=` gives it back to
 * Consul, `PUT /overrides/{entity}` {field} pins a field before it is edited. An entity is an id, a name or `kind/name`.
 */
export const overrideRoutes =
  (target: ActionTarget, list: () => readonly Override[]) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: PATH,
      summary: 'Fields that somebody edited in Kong by hand, and that are kept.',
      door: 'read',
      answer: z.object({
        overrides: z.array(z.looseObject({ entity: z.string(), field: z.string() })),
        total: z.int(),
      }),
      handle: () => {
        const overrides = list().map(shown)
        return { overrides, total: overrides.length }
      },
    })
    endpoint(app, {
      method: 'DELETE',
      path: `${PATH}/:entity`,
      summary: 'Gives an entity, or one field of it, back to Consul.',
      door: 'write',
      params: PARAMS,
      query: { field: FIELD.optional() },
      answer: z.looseObject({}),
      errors: [404, 409, 502, 503],
      example: { params: { entity: 'upstream/web.mesh' }, query: { field: 'slots' } },
      handle: ({ params: { entity }, query: { field } }) =>
        answeringForKong(() => releaseEntity(target, entity, field ?? null)),
    })
    endpoint(app, {
      method: 'PUT',
      path: `${PATH}/:entity`,
      summary: 'Pins a field before it is edited in Kong.',
      door: 'write',
      params: PARAMS,
      body: { field: FIELD },
      answer: z.looseObject({}),
      errors: [404, 409, 502, 503],
      example: { params: { entity: 'upstream/web.mesh' }, body: { field: 'slots' } },
      handle: ({ params: { entity }, body: { field } }) =>
        answeringForKong(() => pinEntity(target, entity, field)),
    })
  }

const FIELD = z.string().min(1, 'must name a field').max(300)
const PARAMS = { entity: z.string().min(1).max(500) }

function shown({ id, kind, name, service, field, wanted, actual, sinceMs }: Override) {
  const since = sinceMs === undefined ? null : new Date(sinceMs).toISOString()
  return { entity: id, kind, name, service, field, wanted, actual, since }
}

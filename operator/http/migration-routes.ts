import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { LegacyApi } from '../legacy/legacy-api.ts'
import { MIGRATION_FIELDS } from '../legacy/migration.ts'
import { answeringForConsul } from './consul-answers.ts'
import { topicField } from './legacy-routes.ts'
import { readFields, wholeNumber } from './read-fields.ts'
import { answeringForRedis } from './redis-answers.ts'

export type MigrationSource = Pick<
  LegacyApi,
  'migrations' | 'migration' | 'setMigration' | 'dead' | 'replayDead'
>

const PATH = '/api/v1/mesh/v2/migrations'

/**
 * `GET /migrations`, `GET` and `PUT /migrations/{topic}` {mode, service?, path?, timeout?, force?}: how topics of the old
 * API move into the mesh. `GET .../{topic}/dead?count=20`, `POST .../{topic}/dead/replay` {ids?}: their dead letters.
 */
export const migrationRoutes =
  (source: MigrationSource) =>
  (app: FastifyInstance): void => {
    const asking = <T>(work: () => Promise<T>) => answeringForConsul(() => answeringForRedis(work))
    const topicOf = (params: unknown) => readFields({ topic: topicField }, params).topic
    app.get(PATH, async (request) => {
      readFields({}, request.query)
      const migrations = await asking(() => source.migrations())
      return { migrations, total: migrations.length }
    })
    app.get(`${PATH}/:topic`, async (request) => {
      readFields({}, request.query)
      const topic = topicOf(request.params)
      return await asking(() => source.migration(topic))
    })
    app.put(`${PATH}/:topic`, async (request) => {
      const topic = topicOf(request.params)
      const wish = readFields(WISH, request.body)
      return await asking(() => source.setMigration(topic, wish))
    })
    app.get(`${PATH}/:topic/dead`, async (request, reply) => {
      const topic = topicOf(request.params)
      const { count = 20 } = readFields({ count: wholeNumber(1, 100).optional() }, request.query)
      const { json, total } = await asking(() => source.dead(topic, count))
      return reply.type('application/json; charset=utf-8').send(`{"dead":${json},"total":${total}}`)
    })
    app.post(`${PATH}/:topic/dead/replay`, async (request) => {
      const topic = topicOf(request.params)
      const { ids = null } = readFields(REPLAY, request.body)
      return await asking(() => source.replayDead(topic, ids))
    })
  }

const WISH = {
  mode: MIGRATION_FIELDS.mode,
  service: MIGRATION_FIELDS.service.optional(),
  path: MIGRATION_FIELDS.path.optional(),
  timeout: MIGRATION_FIELDS.timeout.optional(),
  force: z.boolean('must be true or false').optional(),
}

const entryId = z.string().regex(/^\d{1,20}-\d{1,20}$/, 'must be ids of entries, <ms>-<seq>')
const REPLAY = { ids: z.array(entryId).min(1, 'must name one at least').max(1000).optional() }

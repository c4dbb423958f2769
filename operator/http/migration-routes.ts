import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { LegacyApi } from '../legacy/legacy-api.ts'
import { MIGRATION_FIELDS, MIGRATION_MODES } from '../legacy/migration.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { entriesShape, topicField } from './legacy-routes.ts'
import { wholeNumber } from './read-fields.ts'
import { answeringForRedis } from './redis-answers.ts'

export type MigrationSource = Pick<
  LegacyApi,
  'migrations' | 'migration' | 'setMigration' | 'dead' | 'replayDead'
>

const PATH = `${V2}/migrations`

/**
 * `GET /migrations`, `GET` and `PUT /migrations/{topic}` {mode, service?, path?, timeout?, force?}: how topics of the old
 * API move into the mesh. `GET .../{topic}/dead?count=20`, `POST .../{topic}/dead/replay` {ids?}: their dead letters.
 */
export const migrationRoutes =
  (source: MigrationSource) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: PATH,
      summary: 'How every topic of the old API moves into the mesh, and what waits in it.',
      door: 'read',
      answer: z.strictObject({ migrations: z.array(migrationShape), total: z.int() }),
      errors: [503],
      handle: async () => {
        const migrations = await answeringForRedis(() => source.migrations())
        return { migrations, total: migrations.length }
      },
    })
    endpoint(app, {
      method: 'GET',
      path: `${PATH}/:topic`,
      summary: 'How a topic moves into the mesh; one without a document is as before.',
      door: 'read',
      params: TOPIC_PARAM,
      answer: migrationShape,
      errors: [503],
      example: TOPIC_EXAMPLE,
      handle: async ({ params: { topic } }) => await answeringForRedis(() => source.migration(topic)),
    })
    endpoint(app, {
      method: 'PUT',
      path: `${PATH}/:topic`,
      summary: 'Moves a topic, in KV, for every operator; mode mesh is refused while work is in the queue.',
      door: 'write',
      params: TOPIC_PARAM,
      body: WISH,
      answer: migrationShape,
      errors: [409, 502, 503],
      example: { ...TOPIC_EXAMPLE, body: { mode: 'mirror', service: 'order-worker' } },
      handle: async ({ params: { topic }, body }) =>
        await answeringForConsul(() => answeringForRedis(() => source.setMigration(topic, body))),
    })
    endpoint(app, {
      method: 'GET',
      path: `${PATH}/:topic/dead`,
      summary: 'Dead letters of a topic, newest first.',
      door: 'read',
      params: TOPIC_PARAM,
      query: { count: wholeNumber(1, 100).optional() },
      answer: z.strictObject({ dead: entriesShape, total: z.int() }),
      errors: [503],
      example: { ...TOPIC_EXAMPLE, query: { count: '20' } },
      handle: async ({ params: { topic }, query: { count = 20 }, reply }) => {
        const { json, total } = await answeringForRedis(() => source.dead(topic, count))
        return reply.type('application/json; charset=utf-8').send(`{"dead":${json},"total":${total}}`)
      },
    })
    endpoint(app, {
      method: 'POST',
      path: `${PATH}/:topic/dead/replay`,
      summary: 'Starts the tasks of dead letters again, all of them or those named.',
      door: 'write',
      params: TOPIC_PARAM,
      body: REPLAY,
      answer: z.strictObject({
        replayed: z.array(z.strictObject({ dead_id: z.string(), id: z.string() })),
        skipped: z.array(z.string()),
      }),
      errors: [503],
      example: { ...TOPIC_EXAMPLE, body: { ids: ['1700000000000-0'] } },
      handle: async ({ params: { topic }, body: { ids = null } }) =>
        await answeringForRedis(() => source.replayDead(topic, ids)),
    })
  }

const TOPIC_PARAM = { topic: topicField }
const TOPIC_EXAMPLE = { params: { topic: 'orders' } }

const migrationShape = z.strictObject({
  topic: z.string(),
  mode: z.enum(MIGRATION_MODES),
  service: z.string().nullable(),
  path: z.string(),
  timeout: z.number().meta({ description: 'seconds' }),
  errors: z.array(z.string()).meta({ description: 'why the document in KV is refused' }),
  service_exists: z.boolean().nullable(),
  tasks: z.int(),
  pending: z.int(),
  lag: z.int(),
  groups: z.array(z.strictObject({ group: z.string(), consumers: z.int(), pending: z.int(), lag: z.int() })),
  waiting_calls: z.int(),
  results: z.int(),
  dead: z.int(),
})

const WISH = {
  mode: MIGRATION_FIELDS.mode,
  service: MIGRATION_FIELDS.service.optional(),
  path: MIGRATION_FIELDS.path.optional(),
  timeout: MIGRATION_FIELDS.timeout.optional(),
  force: z.boolean('must be true or false').optional(),
}

const entryId = z.string().regex(/^\d{1,20}-\d{1,20}$/, 'must be ids of entries, <ms>-<seq>')
const REPLAY = { ids: z.array(entryId).min(1, 'must name one at least').max(1000).optional() }

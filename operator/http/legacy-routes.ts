import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { LegacyApi } from '../legacy/legacy-api.ts'
import { RedisError } from '../legacy/redis-error.ts'
import { TOPIC } from '../legacy/topic.ts'
import { apiError } from './api-error.ts'
import { endpoint, V2 } from './endpoint.ts'
import { wholeNumber } from './read-fields.ts'
import { answeringForRedis } from './redis-answers.ts'
import { RequestError } from './request-error.ts'

export type LegacySource = Pick<LegacyApi, 'enqueue' | 'results' | 'agents'>

const V1 = '/api/v1/mesh'

/**
 * The API of before, on Redis: `POST enqueue`, `GET results`, `GET agents` below /api/v1/mesh and /api/v1/mesh/v2, and
 * `GET /api/v1/mesh/health`. Bodies are written as text where numbers of others must not lose digits.
 */
export const legacyRoutes =
  (legacy: LegacySource) =>
  (app: FastifyInstance): void => {
    for (const base of [V1, V2]) {
      const isNew = base === V2
      endpoint(app, {
        method: 'POST',
        path: `${base}/enqueue`,
        summary: 'Gives a task to a topic: into its old stream, or to its service, as the topic has moved.',
        door: 'legacy',
        body: ENQUEUE,
        answer: isNew ? z.strictObject({ id: ID, message: z.string() }) : z.strictObject({ id: ID }),
        errors: [503],
        example: { body: { topic: 'orders', task: { order: 7 } } },
        handle: async ({ body: { topic, task }, request }) => {
          const id = await answeringForRedis(() => legacy.enqueue(topic, task, request.headers))
          return isNew ? { id, message: `task ${id} is enqueued on ${topic}` } : { id }
        },
      })
      endpoint(app, {
        method: 'GET',
        path: `${base}/results`,
        summary: 'Results of a topic, newest first.',
        door: 'legacy',
        query: RESULTS,
        answer: entriesShape,
        errors: [503],
        example: { query: { topic: 'orders', count: '10' } },
        handle: async ({ query: { topic, count = 10 }, reply }) =>
          sendJson(reply, await answeringForRedis(() => legacy.results(topic, count))),
      })
      endpoint(app, {
        method: 'GET',
        path: `${base}/agents`,
        summary: 'Workers that have told of themselves within the last minute.',
        door: 'legacy',
        answer: z.strictObject({ count: z.int(), agents: z.array(z.unknown()) }),
        errors: [503],
        handle: async ({ reply }) => {
          const agents = await answeringForRedis(() => legacy.agents())
          return sendJson(reply, `{"count":${agents.length},"agents":[${agents.join(',')}]}`)
        },
      })
    }
    endpoint(app, {
      method: 'GET',
      path: `${V1}/health`,
      summary: 'Whether Redis answers, and how many workers there are.',
      door: 'legacy',
      answer: healthShape,
      errorShapes: { 503: healthShape },
      handle: async ({ reply }) => {
        const down = { status: 'degraded', redis: false, agents_count: 0 }
        try {
          const agents = await legacy.agents()
          return { status: 'ok', redis: true, agents_count: agents.length }
        } catch (error) {
          reply.code(503)
          if (error instanceof RedisError) return down
          if (!(error instanceof RequestError)) throw error
          return { ...down, ...apiError('unavailable', error.message) } // there is no Redis to be down
        }
      },
    })
  }

export const topicField = z.string('must be a text').regex(TOPIC, `must match ${TOPIC.source}`)

/** What JSON.stringify, and the parsers of old workers, surely take. */
const MOST_DEPTH = 200

const ENQUEUE = {
  topic: topicField,
  task: z
    .custom<object>(isObject, 'must be an object')
    .refine(isShallow, { message: `must not be nested more than ${MOST_DEPTH} deep` })
    .meta({ type: 'object' }),
}

const ID = z.string().regex(/^\d+-\d+$/)
/** An entry that is no JSON comes as its raw fields. */
export const entriesShape = z.array(z.strictObject({ id: ID, data: z.unknown() }))

const healthShape = z.looseObject({
  status: z.enum(['ok', 'degraded']),
  redis: z.boolean(),
  agents_count: z.int(),
})

const RESULTS = { topic: topicField, count: wholeNumber(1, 100).optional() }

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isShallow(task: object): boolean {
  let level: object[] = [task]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return false
    level = level
      .flatMap((value) => Object.values(value) as unknown[])
      .filter((value): value is object => typeof value === 'object' && value !== null)
  }
  return true
}

const sendJson = (reply: FastifyReply, json: string): FastifyReply =>
  reply.type('application/json; charset=utf-8').send(json)

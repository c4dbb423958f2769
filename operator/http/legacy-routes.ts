import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { LegacyApi } from '../legacy/legacy-api.ts'
import { RedisError } from '../legacy/redis-error.ts'
import { TOPIC } from '../legacy/topic.ts'
import { apiError } from './api-error.ts'
import { readFields, wholeNumber } from './read-fields.ts'
import { answeringForRedis } from './redis-answers.ts'
import { RequestError } from './request-error.ts'

export type LegacySource = Pick<LegacyApi, 'enqueue' | 'results' | 'agents'>

const V1 = '/api/v1/mesh'
const V2 = '/api/v1/mesh/v2'

/**
 * The API of before, on Redis: `POST enqueue`, `GET results`, `GET agents` below /api/v1/mesh and /api/v1/mesh/v2, and
 * `GET /api/v1/mesh/health`. Bodies are written as text where numbers of others must not lose digits.
 */
export const legacyRoutes =
  (legacy: LegacySource) =>
  (app: FastifyInstance): void => {
    for (const base of [V1, V2]) {
      // Tasks are the traffic of old clients, not settings: as calls they are not limited to so many a second.
      app.post(`${base}/enqueue`, { config: { door: 'call' } }, async (request) => {
        const { topic, task } = readFields(ENQUEUE, request.body)
        const id = await answeringForRedis(() => legacy.enqueue(topic, task, request.headers))
        return base === V1 ? { id } : { id, message: `task ${id} is enqueued on ${topic}` }
      })
      app.get(`${base}/results`, async (request, reply) => {
        const { topic, count = 10 } = readFields(RESULTS, request.query)
        return sendJson(reply, await answeringForRedis(() => legacy.results(topic, count)))
      })
      app.get(`${base}/agents`, async (request, reply) => {
        readFields({}, request.query)
        const agents = await answeringForRedis(() => legacy.agents())
        return sendJson(reply, `{"count":${agents.length},"agents":[${agents.join(',')}]}`)
      })
    }
    app.get(`${V1}/health`, async (request, reply) => {
      readFields({}, request.query)
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
    })
  }

export const topicField = z.string('must be a text').regex(TOPIC, `must match ${TOPIC.source}`)

/** What JSON.stringify, and the parsers of old workers, surely take. */
const MOST_DEPTH = 200

const ENQUEUE = {
  topic: topicField,
  task: z.custom<object>(isObject, 'must be an object').refine(isShallow, {
    message: `must not be nested more than ${MOST_DEPTH} deep`,
  }),
}

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

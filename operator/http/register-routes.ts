import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import { registerBody, registrationOf } from '../api/registration.ts'
import type { TtlStatus } from '../consul/agent-writer.ts'
import { ConsulError } from '../consul/consul-error.ts'
import type { Registrar } from '../sync/registrar.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { invalidField, RequestError } from './request-error.ts'

/** Names the node of the agent that holds the instance, for programs. */
const AGENT_HEADER = 'x-kongsul-agent'

/** `POST /register`, `DELETE /deregister/{service_id}`, `PUT /heartbeat/{service_id}`. */
export const registerRoutes =
  (registrar: Pick<Registrar, 'register' | 'deregister' | 'heartbeat'>) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'POST',
      path: `${V2}/register`,
      summary:
        'Registers an instance in Consul, with the agent that has it already or with the operator’s own.',
      door: 'write',
      body: registerBody,
      answer: z.object({ service_id: z.string(), status: z.literal('registered'), message: z.string() }),
      errors: [502, 503],
      example: {
        body: {
          service_name: 'web',
          address: '10.0.0.5',
          port: 8080,
          tags: ['blue'],
          metadata: { zone: 'a' },
        },
        answer: {
          service_id: 'web-10.0.0.5-8080',
          status: 'registered',
          message: 'registered with the agent of node n1',
        },
      },
      handle: async ({ body, reply }) => {
        const asked = registrationOf(body)
        if (!asked.ok) throw invalidField(asked.field, asked.message)
        const node = await answeringForConsul(() => refusable(registrar.register(asked.registration)))
        const message = `registered with the agent of node ${node}`
        return named(reply, node, { service_id: asked.registration.ID, status: 'registered', message })
      },
    })
    endpoint(app, {
      method: 'DELETE',
      path: `${V2}/deregister/:service_id`,
      summary: 'Removes an instance from Consul; any operator can be asked.',
      door: 'write',
      params: { service_id: ID },
      answer: z.object({ status: z.literal('deregistered'), message: z.string() }),
      errors: [404, 502, 503],
      example: { params: { service_id: 'web-10.0.0.5-8080' } },
      handle: async ({ params, reply }) => {
        const node = await answeringForConsul(() => registrar.deregister(params.service_id))
        const message = `${params.service_id} was deregistered from the agent of node ${node}`
        return named(reply, node, { status: 'deregistered', message })
      },
    })
    endpoint(app, {
      method: 'PUT',
      path: `${V2}/heartbeat/:service_id`,
      summary: 'Renews the TTL check of an instance, and says how it is; any operator can be asked.',
      door: 'write',
      params: { service_id: ID },
      body: HEARTBEAT,
      answer: z.object({ service_id: z.string(), status: z.enum(HEALTH), message: z.string() }),
      errors: [404, 409, 502, 503],
      example: {
        params: { service_id: 'web-10.0.0.5-8080' },
        body: { status: 'degraded', note: 'disk is full' },
      },
      handle: async ({ params: { service_id }, body: { status = 'healthy', note = '' }, reply }) => {
        const node = await answeringForConsul(() =>
          registrar.heartbeat(service_id, CHECK_STATUS[status], note),
        )
        const message = `renewed with the agent of node ${node}`
        return named(reply, node, { service_id, status, message })
      },
    })
  }

const HEALTH = ['healthy', 'degraded', 'unhealthy'] as const
const CHECK_STATUS: Readonly<Record<(typeof HEALTH)[number], TtlStatus>> = {
  healthy: 'passing',
  degraded: 'warning',
  unhealthy: 'critical',
}
const ID = z
  .string()
  .min(1, 'must not be empty')
  .max(512)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'must not hold control characters')
const HEARTBEAT = {
  status: z.enum(HEALTH, `must be one of ${HEALTH.join(', ')}`).optional(),
  note: z.string().max(4_000).optional(),
}

function named<T>(reply: FastifyReply, node: string, answer: T): T {
  reply.header(AGENT_HEADER, encodeURIComponent(node))
  return answer
}

/** What the agent calls wrong of a registration is the client's. */
async function refusable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof ConsulError) || error.status !== 400) throw error
    const { message } = error
    throw new RequestError(422, message, [{ field: 'body', message }])
  }
}

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { durationMs, type Pause, WHOLE_MESH } from '../core/pause.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField } from './read-fields.ts'
import { unknownService } from './unknown-service.ts'

export interface PauseSource {
  pause(pause: Pause): Promise<void>
  resume(service: string): Promise<void>
  pauseFor(service: string): Pause | null
}

const PATH = `${V2}/services/:service`
const DEFAULT_FOR = '1h'

/** `PUT /api/v1/mesh/v2/services/{service}/pause` {for, reason, by}, and `/resume`; `*` is the whole mesh. */
export const pauseRoutes =
  (pauses: PauseSource, services: () => readonly string[]) =>
  (app: FastifyInstance): void => {
    const known = (service: string): string => {
      // The pause of the whole mesh holds every name, misspelt ones too.
      const hasOwn = pauses.pauseFor(service)?.service === service
      if (service === WHOLE_MESH || services().includes(service) || hasOwn) return service
      throw unknownService(service, services())
    }
    endpoint(app, {
      method: 'PUT',
      path: `${PATH}/pause`,
      summary: 'Nothing of a service, or of the whole mesh (*), is written to Kong for a while.',
      door: 'write',
      params: { service: serviceField },
      body: BODY,
      answer: PAUSED,
      errors: [404, 502, 503],
      example: { params: { service: 'web' }, body: { for: '1h', reason: 'looking at it', by: 'ada' } },
      handle: async ({ params, body: { for: text = DEFAULT_FOR, reason = '', by = 'api' } }) => {
        const service = known(params.service)
        const now = Date.now()
        const pause = { service, reason, by, sinceMs: now, untilMs: now + durationMs(text)! }
        await answeringForConsul(() => pauses.pause(pause))
        return answer(service, pause)
      },
    })
    endpoint(app, {
      method: 'PUT',
      path: `${PATH}/resume`,
      summary: 'Ends a pause.',
      door: 'write',
      params: { service: serviceField },
      answer: PAUSED,
      errors: [404, 502, 503],
      example: { params: { service: 'web' } },
      handle: async ({ params }) => {
        const service = known(params.service)
        await answeringForConsul(() => pauses.resume(service))
        return answer(service, pauses.pauseFor(service))
      },
    })
  }

const PAUSED = z.looseObject({ service: z.string(), paused: z.boolean() })
const BODY = {
  for: z
    .string()
    .refine((text) => durationMs(text) !== null, 'must be a duration above 0 like 90s, 30m, 1h30m or 2d')
    .optional(),
  reason: z.string().max(500).optional(),
  by: z.string().max(200).optional(),
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

/** @param pause the one that holds the service; after a resume that of the whole mesh may still do */
function answer(service: string, pause: Pause | null) {
  if (pause === null) return { service, paused: false }
  const { reason, by, sinceMs, untilMs } = pause
  const times = { since: iso(sinceMs), until: iso(untilMs) }
  return { service, paused: true, reason, by, ...times, whole_mesh: pause.service !== service }
}

import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { durationMs, type Pause, WHOLE_MESH } from '../core/pause.ts'
import { answeringForConsul } from './consul-answers.ts'
import { readFields, serviceField } from './read-fields.ts'
import { RequestError } from './request-error.ts'

export interface PauseSource {
  pause(pause: Pause): Promise<void>
  resume(service: string): Promise<void>
  pauseFor(service: string): Pause | null
}

const PATH = '/api/v1/mesh/v2/services/:service'
const DEFAULT_FOR = '1h'

/** `PUT /api/v1/mesh/v2/services/{service}/pause` {for, reason, by}, and `/resume`; `*` is the whole mesh. */
export const pauseRoutes =
  (pauses: PauseSource, knows: (service: string) => boolean) =>
  (app: FastifyInstance): void => {
    const known = (params: unknown): string => {
      const { service } = readFields({ service: serviceField }, params)
      if (service === WHOLE_MESH || knows(service) || pauses.pauseFor(service) !== null) return service
      throw new RequestError(404, `service ${service} is not in the catalog`)
    }
    app.put(`${PATH}/pause`, async (request) => {
      const service = known(request.params)
      const { for: text = DEFAULT_FOR, reason = '', by = 'api' } = readFields(BODY, request.body)
      const now = Date.now()
      const pause = { service, reason, by, sinceMs: now, untilMs: now + durationMs(text)! }
      await answeringForConsul(() => pauses.pause(pause))
      return answer(service, pause)
    })
    app.put(`${PATH}/resume`, async (request) => {
      const service = known(request.params)
      readFields({}, request.body)
      await answeringForConsul(() => pauses.resume(service))
      return answer(service, pauses.pauseFor(service))
    })
  }

const BODY = {
  for: z
    .string()
    .refine((text) => durationMs(text) !== null, 'must be a duration like 90s, 30m, 1h30m or 2d')
    .optional(),
  reason: z.string().max(500).optional(),
  by: z.string().max(200).optional(),
}

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

/** @param pause the one that holds the service; after a resume that of the whole mesh may still do */
function answer(service: string, pause: Pause | null) {
  if (pause === null) return { service, paused: false }
  const { reason, by, sinceMs, untilMs } = pause
  return { service, paused: true, reason, by, since: iso(sinceMs), until: iso(untilMs) }
}

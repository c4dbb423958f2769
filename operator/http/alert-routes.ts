import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type AlertView, alertShape, silenceShape, viewSilence } from '../alerts/alert-view.ts'
import { ALERT_NAMES, SEVERITIES } from '../alerts/conditions.ts'
import type { Silence } from '../alerts/silences.ts'
import { durationMs } from '../core/pause.ts'
import { answeringForConsul } from './consul-answers.ts'
import { endpoint, V2 } from './endpoint.ts'
import { serviceField } from './read-fields.ts'
import { RequestError } from './request-error.ts'

export interface AlertSource {
  alerts(): readonly AlertView[]
  silences(): readonly Silence[]
  /** @throws ConsulError */
  silence(silence: Silence): Promise<void>
  /** @returns false when there is none. @throws ConsulError */
  unsilence(id: string): Promise<boolean>
}

const LONGEST_MS = 30 * 86_400_000
const MOST_SILENCES = 500

/** `GET /alerts`; `GET` and `POST /silences`, `DELETE /silences/{id}`. */
export const alertRoutes =
  (source: AlertSource) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/alerts`,
      summary: 'What is wrong now, by the thresholds of KV mesh/alerts: what fires first, then what may.',
      door: 'read',
      query: { state: z.enum(STATES, `must be one of ${STATES.join(', ')}`).optional() },
      answer: z.object({ alerts: z.array(alertShape), total: z.int() }),
      example: { query: { state: 'firing' } },
      handle: ({ query: { state } }) => {
        const alerts = source.alerts().filter((alert) => state === undefined || alert.state === state)
        return { alerts, total: alerts.length }
      },
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/silences`,
      summary: 'Silences in force, here and at every other operator of the mesh.',
      door: 'read',
      answer: z.object({ silences: z.array(silenceShape), total: z.int() }),
      handle: () => {
        const silences = source.silences().map(viewSilence)
        return { silences, total: silences.length }
      },
    })
    endpoint(app, {
      method: 'POST',
      path: `${V2}/silences`,
      summary: 'Silences alerts for a while: those that are all that it names. They are listed and not sent.',
      door: 'write',
      body: BODY,
      answer: silenceShape,
      errors: [409, 502, 503],
      example: { body: { service: 'web', for: '2h', reason: 'moving it', by: 'ada' } },
      handle: async ({ body }) => {
        const { alert = null, service = null, severity = null, for: text, reason = '', by = 'api' } = body
        if (alert === null && service === null && severity === null) {
          const message = 'name at least one: alert, service or severity'
          throw new RequestError(422, message, [{ field: 'body', message }])
        }
        if (source.silences().length >= MOST_SILENCES) {
          throw new RequestError(409, `there are ${MOST_SILENCES} silences; end some first`)
        }
        const sinceMs = Date.now()
        const untilMs = sinceMs + durationMs(text)!
        const silence = { id: randomUUID(), alert, service, severity, reason, by, sinceMs, untilMs }
        await answeringForConsul(() => source.silence(silence))
        return viewSilence(silence)
      },
    })
    endpoint(app, {
      method: 'DELETE',
      path: `${V2}/silences/:id`,
      summary: 'Ends a silence.',
      door: 'write',
      params: { id: serviceField },
      answer: z.object({ id: z.string(), status: z.literal('removed') }),
      errors: [404, 502, 503],
      example: { params: { id: '8a5ad0f4-3e0c-4e0e-9d0e-1c6e2f1f7b55' } },
      handle: async ({ params: { id } }) => {
        const isRemoved = await answeringForConsul(() => source.unsilence(id))
        if (!isRemoved) throw new RequestError(404, `there is no silence ${id}`)
        return { id, status: 'removed' as const }
      },
    })
  }

const STATES = ['pending', 'firing', 'resolved'] as const
const BODY = {
  alert: z.enum(ALERT_NAMES, `must be one of ${ALERT_NAMES.join(', ')}`).optional(),
  service: serviceField.max(300).optional(),
  severity: z.enum(SEVERITIES, `must be one of ${SEVERITIES.join(', ')}`).optional(),
  for: z
    .string('must be a duration like 90s, 30m, 1h30m or 2d')
    .refine((text) => durationMs(text) !== null, 'must be a duration like 90s, 30m, 1h30m or 2d')
    .refine((text) => (durationMs(text) ?? 0) <= LONGEST_MS, 'must be at most 30d'),
  reason: z.string().max(500).optional(),
  by: z.string().max(200).optional(),
}

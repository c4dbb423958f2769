import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { durationMs } from '../core/pause.ts'
import { bottlenecksShape } from '../traces/bottlenecks.ts'
import { dependenciesShape, serviceLatencyShape } from '../traces/latency-views.ts'
import { summaryShape } from '../traces/summarize.ts'
import type { TraceQueries } from '../traces/trace-queries.ts'
import { traceShape } from '../traces/trace-view.ts'
import { endpoint, V2 } from './endpoint.ts'
import { flag, serviceField, wholeNumber } from './read-fields.ts'
import { invalidField, RequestError } from './request-error.ts'

type Source = Pick<TraceQueries, 'search' | 'trace' | 'dependencies' | 'latency' | 'bottlenecks'>

/** `GET /traces`, `/traces/{id}`, `/dependencies`, `/latency/{service}`, `/bottlenecks`. */
export const traceRoutes =
  (source: Source) =>
  (app: FastifyInstance): void => {
    endpoint(app, {
      method: 'GET',
      path: `${V2}/traces`,
      summary: 'Traces that fit, the newest first; without start and end all that are kept.',
      door: 'read',
      query: SEARCH,
      answer: z.object({
        traces: z.array(summaryShape),
        total: z.int(),
        kept_since: z.iso
          .datetime()
          .nullable()
          .meta({ description: 'when the oldest of all traces that are kept arrived; null without any' }),
      }),
      example: { query: { service: 'web', error_only: 'true', tag: 'http.route:/orders', limit: '20' } },
      handle: ({ query }) => {
        const { min_duration: minDurationMs, max_duration: maxDurationMs, start, end } = query
        if (minDurationMs !== undefined && maxDurationMs !== undefined && minDurationMs > maxDurationMs) {
          throw invalidField('max_duration', 'must not be less than min_duration')
        }
        if (start !== undefined && end !== undefined && start > end) {
          throw invalidField('end', 'must not be before start')
        }
        return source.search({
          service: query.service,
          operation: query.operation,
          minDurationMs,
          maxDurationMs,
          errorOnly: query.error_only ?? false,
          tags: query.tag ?? [],
          startMs: start,
          endMs: end,
          limit: query.limit ?? 100,
        })
      },
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/traces/:id`,
      summary: 'One trace as a tree, with the critical path and what each span took itself.',
      door: 'read',
      params: { id: TRACE_ID },
      answer: traceShape,
      errors: [404],
      example: { params: { id: '0af7651916cd43dd8448eb211c80319c' } },
      handle: ({ params: { id } }) => found(source.trace(id), `trace ${id} is not kept here`),
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/dependencies`,
      summary:
        'Who calls whom, how often, with how many errors and how fast; since the start or in a window.',
      door: 'read',
      query: { window: windowField(60).optional() },
      answer: dependenciesShape,
      example: { query: { window: '15m' } },
      handle: ({ query: { window } }) => source.dependencies(window ?? null),
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/latency/:service`,
      summary: 'How fast a service is: as a whole, by operation, by caller and callee.',
      door: 'read',
      params: { service: serviceField },
      query: { window: windowField(60).optional() },
      answer: serviceLatencyShape,
      errors: [404],
      example: { params: { service: 'web' }, query: { window: '15m' } },
      handle: ({ params: { service }, query: { window = DEFAULT_WINDOW_MS } }) =>
        found(
          source.latency(service, window),
          `no calls of ${service} were heard of within ${window / 60_000} min`,
        ),
    })
    endpoint(app, {
      method: 'GET',
      path: `${V2}/bottlenecks`,
      summary:
        'Where the time goes: services on critical paths, the slowest operations; and how it was before.',
      door: 'read',
      query: { window: windowField(30).optional(), limit: wholeNumber(1, 1000).optional() },
      answer: bottlenecksShape,
      example: { query: { window: '15m', limit: '10' } },
      handle: ({ query: { window = DEFAULT_WINDOW_MS, limit = 10 } }) => source.bottlenecks(window, limit),
    })
  }

const DEFAULT_WINDOW_MS = 15 * 60_000

/** Shorter ids are those of systems with 64 bits. */
const TRACE_ID = z
  .string()
  .regex(/^[0-9a-fA-F]{1,32}$/, 'must be up to 32 hex digits')
  .transform((id) => id.toLowerCase().padStart(32, '0'))

/** ms in a query string. */
const millis = z
  .string()
  .regex(/^\d{1,15}(\.\d{1,6})?$/, 'must be a number of milliseconds, 0 or more')
  .transform(Number)

/** RFC 3339, or ms since 1970. */
const time = z
  .string()
  .refine((text) => timeMs(text) !== null, 'must be an RFC 3339 time or milliseconds since 1970')
  .transform((text) => timeMs(text)!)

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i

function timeMs(text: string): number | null {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  if (!RFC_3339.test(text)) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** `key:value`; the key is what stands before the first colon. */
const tag = z.string().regex(/^[^:]+:/, 'must be key:value')

const SEARCH = {
  service: serviceField.optional(),
  operation: z.string().min(1, 'must not be empty').max(1_024).optional(),
  min_duration: millis.optional(),
  max_duration: millis.optional(),
  error_only: flag.optional(),
  tag: z
    .union([tag, z.array(tag).max(20)], 'must be key:value')
    .transform((given) => [given].flat().map(pairOf))
    .optional(),
  start: time.optional(),
  end: time.optional(),
  limit: wholeNumber(1, 1000).optional(),
}

function pairOf(text: string): readonly [key: string, value: string] {
  const at = text.indexOf(':')
  return [text.slice(0, at), text.slice(at + 1)]
}

function windowField(mostMinutes: number) {
  const isWindow = (ms: number | null) => ms !== null && ms >= 60_000 && ms <= mostMinutes * 60_000
  return z
    .string()
    .refine((text) => isWindow(durationMs(text)), `must be a duration from 1m to ${mostMinutes}m`)
    .transform((text) => durationMs(text)!)
}

function found<T>(answer: T | null, message: string): T {
  if (answer === null) throw new RequestError(404, message)
  return answer
}

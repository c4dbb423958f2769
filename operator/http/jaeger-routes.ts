import type { FastifyError, FastifyInstance } from 'fastify'
import { z } from 'zod'
import { goDurationMs } from '../core/go-duration.ts'
import type { TraceQuery } from '../traces/search-traces.ts'
import type { TraceQueries } from '../traces/trace-queries.ts'
import { endpoint } from './endpoint.ts'
import { serviceField } from './read-fields.ts'
import { RequestError } from './request-error.ts'

type Source = Pick<
  TraceQueries,
  'services' | 'operations' | 'jaegerSearch' | 'jaegerTrace' | 'jaegerDependencies'
>

/** Beyond the hour that is kept by the minute a window is everything. */
const LONGEST_WINDOW_MS = 3_600_000
const DEFAULT_LIMIT = 100
const MOST_TRACES = 1_500

/** Jaeger's query API, as its UI and Grafana's data source call it: parameters that are not known are ignored. */
export const jaegerRoutes =
  (source: Source) =>
  (app: FastifyInstance): void => {
    void app.register(async (scope) => {
      scope.setErrorHandler((error: FastifyError, _request, reply) => {
        const code = error.statusCode ?? 500
        if (error instanceof RequestError) reply.headers(error.headers)
        const msg = code < 500 ? error.message : 'internal error'
        return reply.code(code).send({ ...answer(null), errors: [{ code, msg }] })
      })
      const info = { method: 'GET', door: 'read', isLenient: true, answer: SHAPE } as const
      endpoint(scope, {
        ...info,
        path: '/api/services',
        summary: 'Services that have sent spans, as Jaeger has it.',
        handle: () => answer(source.services()),
      })
      endpoint(scope, {
        ...info,
        path: '/api/services/:service/operations',
        summary: 'Operations of a service, as Jaeger has it.',
        params: { service: serviceField },
        example: { params: { service: 'web' } },
        handle: ({ params: { service } }) =>
          answer([...new Set(source.operations(service).map(({ name }) => name))]),
      })
      endpoint(scope, {
        ...info,
        path: '/api/operations',
        summary: 'Operations of a service with their kinds, as Jaeger has it.',
        query: { service: z.string().min(1), spanKind: z.string().optional() },
        example: { query: { service: 'web', spanKind: 'server' } },
        handle: ({ query: { service, spanKind = '' } }) =>
          answer(source.operations(service).filter((each) => spanKind === '' || each.spanKind === spanKind)),
      })
      endpoint(scope, {
        ...info,
        path: '/api/traces',
        summary: 'Traces that fit, or those of the ids that are given, as Jaeger has it.',
        query: SEARCH,
        example: { query: { service: 'web', limit: '20', lookback: '1h' } },
        handle: ({ query }) => {
          const ids = [query.traceID ?? []].flat()
          if (ids.length > 0) {
            return answer(ids.flatMap((id) => source.jaegerTrace(wholeId(id)) ?? []))
          }
          if (query.service === undefined) throw new RequestError(400, "parameter 'service' is required")
          return answer(source.jaegerSearch(searchOf(query)))
        },
      })
      endpoint(scope, {
        ...info,
        path: '/api/traces/:id',
        summary: 'One trace, as Jaeger has it.',
        params: { id: z.string().regex(/^[0-9a-fA-F]{1,32}$/, 'must be up to 32 hex digits') },
        errors: [404],
        example: { params: { id: '0af7651916cd43dd8448eb211c80319c' } },
        handle: ({ params: { id } }) => {
          const trace = source.jaegerTrace(wholeId(id))
          if (trace === null) throw new RequestError(404, 'trace not found')
          return answer([trace])
        },
      })
      endpoint(scope, {
        ...info,
        path: '/api/dependencies',
        summary: 'Who calls whom and how often, as Jaeger has it.',
        query: { endTs: z.string().optional(), lookback: z.string().optional() },
        example: { query: { endTs: '1795454388514', lookback: '3600000' } },
        handle: ({ query: { lookback } }) => {
          const windowMs = Number(lookback ?? Number.NaN)
          const isKept = windowMs >= 60_000 && windowMs <= LONGEST_WINDOW_MS
          return answer(source.jaegerDependencies(isKept ? windowMs : null))
        },
      })
    })
  }

/** Jaeger leaves the counts at 0 but for lists of names. */
function answer(data: readonly unknown[] | null) {
  return { data, total: data?.length ?? 0, limit: 0, offset: 0, errors: null }
}

const SHAPE = z.object({
  data: z.array(z.json()).nullable(),
  total: z.int(),
  limit: z.int(),
  offset: z.int(),
  errors: z.array(z.object({ code: z.int(), msg: z.string() })).nullable(),
})

const micros = z.string().regex(/^\d{0,19}$/, 'must be microseconds since 1970')
const SEARCH = {
  service: z.string().min(1).optional(),
  operation: z.string().optional(),
  /** JSON, {"key": "value"}. */
  tags: z.string().optional(),
  /** `key:value`; may be repeated. */
  tag: z.union([z.string(), z.array(z.string())]).optional(),
  start: micros.optional(),
  end: micros.optional(),
  minDuration: z.string().optional(),
  maxDuration: z.string().optional(),
  limit: z.string().optional(),
  lookback: z.string().optional(),
  traceID: z.union([z.string(), z.array(z.string())]).optional(),
}
type Search = z.infer<z.ZodObject<typeof SEARCH>>

/** @throws RequestError 400 */
function searchOf(query: Search): TraceQuery {
  const { service, operation = '', start = '', end = '', limit = '' } = query
  const count = Number(limit === '' ? DEFAULT_LIMIT : limit)
  if (!Number.isInteger(count) || count < 0) throw new RequestError(400, "parameter 'limit' is no number")
  return {
    service,
    operation: operation === '' ? undefined : operation,
    tags: [...jsonTags(query.tags ?? ''), ...[query.tag ?? []].flat().map(pairOf)],
    startMs: start === '' ? undefined : Number(start) / 1_000,
    endMs: end === '' ? undefined : Number(end) / 1_000,
    minDurationMs: durationOf('minDuration', query.minDuration ?? ''),
    maxDurationMs: durationOf('maxDuration', query.maxDuration ?? ''),
    limit: Math.min(count === 0 ? DEFAULT_LIMIT : count, MOST_TRACES),
    isOfOneSpan: true,
  }
}

function jsonTags(text: string): readonly (readonly [string, string])[] {
  if (text === '') return []
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return Object.entries(value).map(([key, each]) => [key, String(each)])
    }
  } catch {
    // Falls through to the same refusal.
  }
  throw new RequestError(400, "malformed 'tags' parameter, expecting a JSON map of texts")
}

function pairOf(text: string): readonly [string, string] {
  const at = text.indexOf(':')
  if (at <= 0) throw new RequestError(400, "malformed 'tag' parameter, expecting key:value")
  return [text.slice(0, at), text.slice(at + 1)]
}

/** Go's text; empty counts as none. */
function durationOf(name: string, text: string): number | undefined {
  if (text === '') return undefined
  const ms = goDurationMs(text)
  if (ms === null) {
    throw new RequestError(
      400,
      `unable to parse param '${name}': time: invalid duration "${text.slice(0, 50)}"`,
    )
  }
  return ms
}

const wholeId = (id: string): string => id.toLowerCase().padStart(32, '0')

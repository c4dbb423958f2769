import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { readFields } from './read-fields.ts'

/** Who may pass: see `docs/access.md`. */
export type Door = 'open' | 'read' | 'write' | 'call' | 'ingest' | 'legacy' | 'internal'

/** What `/openapi.json` and the access check know of a route. */
export interface EndpointInfo {
  readonly summary: string
  readonly door: Door
  readonly params?: z.ZodRawShape
  readonly query?: z.ZodRawShape
  readonly body?: z.ZodRawShape
  /** Media types of a body that is no JSON of ours. */
  readonly bodyTypes?: readonly string[]
  /** Query fields that are not known are ignored: for clients of others' APIs. */
  readonly isLenient?: boolean
  /** Fields of the body that are not known are ignored: a process of a newer version may tell more. */
  readonly isBodyLenient?: boolean
  /** Shape of the answer, or its media type where it is no JSON. */
  readonly answer: z.ZodType | string
  /** Statuses beside those that any request may get. */
  readonly errors?: readonly number[]
  /** Of those whose body is not the one of all errors. */
  readonly errorShapes?: Readonly<Record<number, z.ZodType>>
  readonly example?: EndpointExample
}

export interface EndpointExample {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly answer?: unknown
}

export interface Endpoint<P extends z.ZodRawShape, Q extends z.ZodRawShape, B extends z.ZodRawShape>
  extends EndpointInfo {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** In fastify's form, `/services/:service`. */
  readonly path: string
  readonly params?: P
  readonly query?: Q
  readonly body?: B
  handle(asked: Asked<P, Q, B>): unknown
}

export interface Asked<P extends z.ZodRawShape, Q extends z.ZodRawShape, B extends z.ZodRawShape> {
  readonly params: z.infer<z.ZodObject<P>>
  readonly query: z.infer<z.ZodObject<Q>>
  readonly body: z.infer<z.ZodObject<B>>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly endpoint?: EndpointInfo
    /** Of a route that is none of `endpoint`'s; judged by its method when not given. */
    readonly door?: Door
  }
}

/** The mesh API. */
export const V2 = '/api/v1/mesh/v2'

const NONE: z.ZodRawShape = {}

/** Adds a route. Whatever is not in its shapes is refused with 422, naming the field, before it is handled. */
export function endpoint<
  P extends z.ZodRawShape = Record<never, never>,
  Q extends z.ZodRawShape = Record<never, never>,
  B extends z.ZodRawShape = Record<never, never>,
>(app: FastifyInstance, { method, path, handle, ...info }: Endpoint<P, Q, B>): void {
  app.route({
    method,
    url: path,
    config: { endpoint: info },
    handler: async (request, reply) =>
      handle({
        params: readFields((info.params ?? NONE) as P, request.params),
        // Probes and scrapers add what they like.
        query:
          info.door === 'open'
            ? ({} as never)
            : readFields(
                (info.query ?? NONE) as Q,
                info.isLenient ? known(info.query, request.query) : request.query,
              ),
        body: readFields((info.body ?? NONE) as B, request.body),
        request,
        reply,
      }),
  })
}

function known(shape: z.ZodRawShape = NONE, given: unknown): object {
  return Object.fromEntries(Object.entries(given ?? {}).filter(([name]) => Object.hasOwn(shape, name)))
}

import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { normalInstance } from '../core/instance-key.ts'
import { durationMs } from '../core/pause.ts'
import { type ToldOutcome, toldOutcome } from '../metrics/told-outcome.ts'
import type { NodeCircuits } from '../sync/circuit-book.ts'
import type { EjectionBook } from '../sync/ejection-book.ts'
import type { MeshFeed } from '../sync/mesh-feed.ts'
import type { Secret } from '../telemetry/secret.ts'
import { answeringForConsul } from './consul-answers.ts'
import type { EndpointInfo } from './endpoint.ts'
import { checkInternalAccess } from './internal-access.ts'
import { readFields, readKnown } from './read-fields.ts'
import { invalidField, notReadYet, RequestError } from './request-error.ts'

export interface InternalRouteOptions {
  /** undefined: only this machine is let in. */
  readonly token: Secret | string | undefined
  readonly ejections: Pick<EjectionBook, 'eject' | 'release'>
  /** What a process tells of itself, and by which connection. */
  readonly circuits: { note(told: NodeCircuits, connection: Socket): void }
  /** null until the mesh is known. */
  readonly feed: () => Pick<MeshFeed, 'next'> | null
  /** One line of outcomes; null for what is none. */
  readonly onOutcome: (outcome: ToldOutcome | null) => void
  readonly signal: AbortSignal
}

const MOST_BYTES = 16 * 1024 * 1024
/** An ejection that claims more is a mistake: nothing may stay ejected for ever. */
const LONGEST_EJECTION_MS = 86_400_000
const LONGEST_WAIT_MS = 60_000

/** `/internal/*`: what plugin processes tell the operator and ask of it. Not for people. */
export const internalRoutes =
  (options: InternalRouteOptions) =>
  (app: FastifyInstance): void => {
    void app.register(async (scope) => {
      const { token, ejections, circuits, feed, onOutcome, signal } = options
      scope.addHook('onRequest', async (request) => checkInternalAccess(request, token))
      scope.addContentTypeParser(
        ['application/x-ndjson', 'application/ndjson'],
        { parseAs: 'string', bodyLimit: MOST_BYTES },
        (_request, body, done) => done(null, body),
      )
      scope.post(
        '/internal/outcomes',
        told('Outcomes of requests, one JSON object a line (application/x-ndjson).'),
        async (request, reply) => {
          if (typeof request.body !== 'string')
            throw new RequestError(415, 'outcomes come as application/x-ndjson')
          for (const line of request.body.split('\n')) if (line !== '') onOutcome(toldOutcome(line))
          return reply.code(204).send()
        },
      )
      scope.post(
        '/internal/circuits',
        { bodyLimit: MOST_BYTES, ...told('Circuits of one plugin process, all of them.', CIRCUITS) },
        async (request, reply) => {
          const { node, atMs, epoch, circuits: told, fromKong } = readKnown(CIRCUITS, request.body)
          const version = versionOf(request.headers['x-kongsul-version'])
          circuits.note({ node, atMs, epoch, version, circuits: told, fromKong }, request.raw.socket)
          return reply.code(204).send()
        },
      )
      scope.post(
        '/internal/ejections',
        told('Says that a process took an instance out.', EJECTION, [409, 502, 503]),
        async (request, reply) => {
          const {
            upstream,
            target,
            untilMs,
            reason = '',
            owner,
            addresses,
          } = readKnown(EJECTION, request.body)
          const sinceMs = Date.now()
          if (untilMs > sinceMs + LONGEST_EJECTION_MS) {
            throw invalidField('untilMs', 'must not be more than a day away')
          }
          const instance = normalInstance(target)
          const ejection = {
            ...{ upstream, target: instance, untilMs, sinceMs, reason, owner },
            ...(addresses === undefined ? {} : { addresses }),
          }
          const owned = await answeringForConsul(() => ejections.eject(ejection))
          if (owned !== null) {
            throw new RequestError(
              409,
              `${upstream} ${target} has been ejected by ${owned.owner}, which puts it back`,
            )
          }
          return reply.code(204).send()
        },
      )
      scope.delete(
        '/internal/ejections',
        told('Says that an ejection is over.', RELEASE, [502, 503]),
        async (request, reply) => {
          const { upstream, target, owner = null } = readKnown(RELEASE, request.body)
          await answeringForConsul(() => ejections.release(upstream, normalInstance(target), owner))
          return reply.code(204).send()
        },
      )
      scope.get(
        '/internal/mesh',
        {
          config: {
            endpoint: {
              summary: 'The view of the mesh, as soon as it is another than at `index`.',
              door: 'internal',
              query: ASKED,
              answer: z.looseObject({ index: z.number() }),
              errors: [401, 403, 503],
            },
          },
        },
        async (request) => {
          const { index = '0', wait = '0' } = readFields(ASKED, request.query)
          const waitMs = Math.min(LONGEST_WAIT_MS, durationMs(wait) ?? 0)
          const known = feed()
          if (known === null) throw notReadYet()
          return await known.next(Number(index), waitMs, signal)
        },
      )
    })
  }

/** For `/openapi.json`; what is answered is 204. */
const told = (
  summary: string,
  body?: z.ZodRawShape,
  errors: readonly number[] = [],
): { config: { endpoint: EndpointInfo } } => ({
  config: {
    endpoint: {
      summary,
      door: 'internal',
      ...(body === undefined ? {} : { body, isBodyLenient: true }),
      answer: 'none',
      errors: [401, 403, ...errors],
      ...(body === EJECTION || body === RELEASE ? { example: EJECTION_EXAMPLE } : {}),
    },
  },
})

const versionOf = (told: string | string[] | undefined): string | null =>
  typeof told === 'string' && /^[\w.+-]{1,50}$/.test(told) ? told : null

const NAME = z
  .string()
  .min(1, 'must not be empty')
  .max(300)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  .regex(/^[^\u0000-\u001f\u007f/]+$/, 'must not hold "/" or control characters')
const TIME = z.number('must be epoch milliseconds').min(0).max(8.64e15)
const WORDS = z.string().max(500)

/** A process may tell all of what it ejected with the release: only who and where counts. */
const RELEASE = {
  upstream: NAME,
  target: NAME,
  owner: WORDS.optional(),
  addresses: z.number().optional(),
  untilMs: TIME.optional(),
  reason: WORDS.optional(),
}
const EJECTION_EXAMPLE = {
  body: { upstream: 'web.mesh', target: '10.0.0.5:8080', untilMs: 1_700_000_000_000, owner: 'kong-1' },
}
const EJECTION = {
  upstream: NAME,
  /** Of a host name with the address: `web.test:80@10.0.0.1:80`. */
  target: NAME,
  untilMs: TIME,
  reason: WORDS.optional(),
  owner: WORDS,
  addresses: z.int().min(1).optional(),
}
const ASKED = {
  index: z
    .string()
    .regex(/^\d{1,15}$/, 'must be the index of an answer')
    .optional(),
  wait: z
    .string()
    .refine((text) => text === '0' || durationMs(text) !== null, 'must be a duration like 30s')
    .optional(),
}

const CIRCUIT = z.object({
  circuit: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('service'), serviceId: NAME }),
    z.object({ kind: z.literal('instance'), upstream: NAME, target: NAME }),
  ]),
  state: WORDS,
  since: TIME.nullable(),
  until: TIME.nullable(),
  reason: WORDS.nullish().transform((said) => said ?? ''),
  counts: z
    .record(z.string(), z.unknown())
    .nullish()
    .transform((counts) => counts ?? {}),
})
const CIRCUITS = {
  node: NAME,
  atMs: TIME,
  epoch: z.union([WORDS, z.number()]),
  circuits: z.array(CIRCUIT).max(50_000),
  /** Transitions; told again by the state of the circuits. */
  events: z.array(z.unknown()).optional(),
  fromKong: z.object({ called: z.boolean(), unasked: z.number().min(0) }).optional(),
}

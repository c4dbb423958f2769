import { promisify } from 'node:util'
import { gunzip, inflate } from 'node:zlib'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HANDED_ON } from '../traces/hand-on.ts'
import { CONTENT_TYPES, responseBody, statusBody } from '../traces/otlp/answers.ts'
import { MalformedError } from '../traces/otlp/span-input.ts'
import type { Encoding, TraceCollector } from '../traces/trace-collector.ts'
import { RequestError } from './request-error.ts'

export interface OtlpOptions {
  readonly collector: Pick<TraceCollector, 'take'>
  /** Beyond as many bytes of bodies that are on their way in, senders are told to come again. */
  readonly mostWaitingBytes?: number
}

/** As sent, and unpacked. */
const MOST_BODY_BYTES = 16 * 1024 * 1024
const MOST_WAITING_BYTES = 128 * 1024 * 1024
/** What a body counts for whose length is not said. */
const UNSAID_BYTES = 1024 * 1024
const RETRY_AFTER_SECONDS = 1

const unpackers = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
} as const

/**
 * `POST /v1/traces`: spans by OTLP/HTTP, in JSON and protobuf, packed or not. Answers and errors are as OTLP has them,
 * in the encoding of the request. https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
export const otlpRoute =
  ({ collector, mostWaitingBytes = MOST_WAITING_BYTES }: OtlpOptions) =>
  (app: FastifyInstance): void => {
    void app.register(
      async (scope) => {
        let waitingBytes = 0
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser(
          '*',
          { parseAs: 'buffer', bodyLimit: MOST_BODY_BYTES },
          (_request, body, done) => done(null, body),
        )
        scope.setErrorHandler(refuse)
        scope.setNotFoundHandler((request, reply) => {
          const isHere = /^\/v1\/traces\/?(\?|$)/.test(request.url)
          if (isHere) reply.header('allow', 'POST')
          const what = `${request.method} ${request.url.split('?')[0]}`
          const message = isHere ? 'spans come by POST' : `${what} does not exist`
          return answerError(request, reply, isHere ? 405 : 404, message)
        })
        scope.addHook('onRequest', async (request, reply) => {
          if (request.is404) return
          const bytes = Number(request.headers['content-length'] ?? UNSAID_BYTES) || 0
          if (waitingBytes + bytes > mostWaitingBytes) {
            const headers = { 'retry-after': String(RETRY_AFTER_SECONDS), connection: 'close' }
            throw new RequestError(429, 'more spans than can be read at once', [], headers)
          }
          waitingBytes += bytes
          reply.raw.once('close', () => {
            waitingBytes -= bytes
          })
        })
        scope.route({
          method: 'POST',
          url: '',
          config: {
            endpoint: {
              summary: 'Spans by OTLP/HTTP: JSON or protobuf, also packed with gzip.',
              door: 'ingest',
              bodyTypes: Object.values(CONTENT_TYPES),
              answer: 'application/json',
              errors: [405],
            },
          },
          handler: async (request, reply) => {
            const encoding = encodingOf(request)
            if (encoding === null) {
              throw new RequestError(415, 'spans come as application/json or application/x-protobuf')
            }
            const bytes = await unpacked(request)
            const taken = collector.take(bytes, encoding, Date.now(), HANDED_ON in request.headers)
            return reply
              .code(200)
              .header('content-type', CONTENT_TYPES[encoding])
              .send(responseBody(encoding, taken))
          },
        })
      },
      { prefix: '/v1/traces' },
    )
  }

/** By the content type alone, whatever its parameters; null for another one. */
function encodingOf({ headers }: FastifyRequest): Encoding | null {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const charset = parameters
    .map((each) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(each)?.[1])
    .find(Boolean)
  switch (type.trim()) {
    case 'application/json':
      return charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii'
        ? 'json'
        : null
    case 'application/x-protobuf':
    case 'application/protobuf':
      return 'protobuf'
    default:
      return null
  }
}

/** @throws RequestError 400, 413, 415 */
async function unpacked({ headers, body }: FastifyRequest): Promise<Buffer> {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  if (encoding === 'identity' || encoding === '') return bytes
  const unpack = unpackers[encoding as keyof typeof unpackers]
  if (!Object.hasOwn(unpackers, encoding) || unpack === undefined) {
    const accepted = { 'accept-encoding': 'gzip, deflate' }
    throw new RequestError(415, 'bodies are packed with gzip or deflate, or not at all', [], accepted)
  }
  try {
    return await unpack(bytes, { maxOutputLength: MOST_BODY_BYTES })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new RequestError(413, `the body unpacks to more than ${MOST_BODY_BYTES} bytes`)
    }
    throw new RequestError(400, `the body is not ${encoding}: ${(error as Error).message}`)
  }
}

function refuse(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof MalformedError) return answerError(request, reply, 400, error.message)
  const status = (error as FastifyError).statusCode ?? 500
  if (error instanceof RequestError) reply.headers(error.headers)
  const isTold = status < 500 || error instanceof RequestError
  return answerError(request, reply, status, isTold ? error.message : 'internal error')
}

/** In JSON where the request is in neither encoding. */
function answerError(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  message: string,
): FastifyReply {
  const encoding = encodingOf(request) ?? 'json'
  return reply
    .code(status)
    .header('content-type', CONTENT_TYPES[encoding])
    .send(statusBody(encoding, status, message))
}

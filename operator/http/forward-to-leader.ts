import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Leader } from '../leader/election.ts'
import type { Fetch } from '../secrets/tls-fetch.ts'
import { RequestError } from './request-error.ts'

export interface LeaderSource {
  readonly isLeading: () => boolean
  /** The other operator that leads; null while none is known to. */
  readonly leader: () => Leader | null
  readonly fetch: Fetch
}

/** What ends in a write to Kong, or moves a canary on, which only the leader may do. The rest is answered by whoever is asked. */
const LEADERS_WORK = /^\/api\/v1\/mesh\/v2\/(?:overrides|apply|adopt|canaries)(?:[/?]|$)/

/** Says that a request was handed on before: it is answered where it arrives, so that none goes round in circles. */
const FORWARDED = 'x-kongsul-forwarded'

/** An apply takes 20 s at most. */
const TIMEOUT_MS = 25_000

/** Hands requests that only the leader can do on to it, and its answers back. */
export const forwardToLeader =
  ({ isLeading, leader, fetch }: LeaderSource) =>
  (app: FastifyInstance): void => {
    app.addHook('preHandler', async (request, reply) => {
      const isMeant = request.method !== 'GET' && request.method !== 'HEAD' && LEADERS_WORK.test(request.url)
      if (!isMeant || isLeading() || request.headers[FORWARDED] !== undefined) return
      const other = leader()
      if (other === null) return // nobody leads now: the handler says so
      const { status, type, text } = await ask(other, request, fetch)
      await reply.code(status).type(type).send(text)
    })
  }

/** @throws RequestError 503 naming the leader when it cannot be asked */
async function ask({ id, address }: Leader, request: FastifyRequest, fetch: Fetch) {
  const here = 'this operator stands by'
  if (address === null) throw new RequestError(503, `${here} and cannot reach the leader ${id}: ask that one`)
  const base = /^https?:\/\//.test(address) ? address.replace(/\/+$/, '') : `http://${address}`
  const { authorization } = request.headers
  const hasBody = request.body !== undefined && request.body !== null
  try {
    const answer = await fetch(`${base}${request.url}`, {
      method: request.method,
      headers: {
        [FORWARDED]: '1',
        ...(authorization === undefined ? {} : { authorization }),
        ...(hasBody ? { 'content-type': 'application/json' } : {}),
      },
      ...(hasBody ? { body: JSON.stringify(request.body) } : {}),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const type = answer.headers.get('content-type') ?? 'application/json'
    return { status: answer.status, type, text: await answer.text() }
  } catch (error) {
    const reason = ((error as Error).cause as Error | undefined)?.message ?? (error as Error).message
    throw new RequestError(503, `${here}; the leader ${id} at ${address} does not answer: ${reason}`)
  }
}

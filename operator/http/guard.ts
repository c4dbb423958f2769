import type { FastifyInstance } from 'fastify'
import { apiError } from './api-error.ts'
import { isAllowedHost } from './host-check.ts'

export interface GuardOptions {
  /** Address that the API listens on. */
  readonly boundTo: string
  readonly writeRate?: { readonly perSecond: number; readonly burst: number }
}

/** Who is let in, before anything else is looked at. */
export function guard(app: FastifyInstance, { boundTo }: GuardOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    if (isAllowedHost(boundTo, request.headers.host)) return
    await reply.code(421).send(apiError('misdirected', 'this API does not answer to that Host'))
  })
}

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isForeign, mayPass } from '../access/door-rules.ts'
import type { TokenBook } from '../access/token-book.ts'
import { WriteLimiter, type WriteRate } from '../access/write-rate.ts'
import type { Door } from './endpoint.ts'
import { isAllowedHost, isLoopback } from './host-check.ts'
import { isSame } from './internal-access.ts'
import { RequestError } from './request-error.ts'

export interface GuardOptions {
  /** Address that the API listens on. */
  readonly boundTo: string
  /** Names beside those of loopback that `Host` may have. */
  readonly names?: readonly string[]
  readonly tokens?: Pick<TokenBook, 'find'>
  readonly writeRate?: WriteRate
  /** Of the plugin processes, which send spans too. */
  readonly feedToken?: string | undefined
  /** A write that was let in by a token, for the log. */
  readonly onWrite?: (name: string, what: string) => void
}

export const WRITE_RATE: WriteRate = { perSecond: 50, burst: 200 }

/** Who is let in, before anything else is looked at. */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { boundTo, names = [], tokens, writeRate = WRITE_RATE, feedToken, onWrite } = options
  const limiter = new WriteLimiter(writeRate)
  app.addHook('onRequest', async (request) => {
    if (!isAllowedHost(boundTo, request.headers.host, names)) {
      throw new RequestError(421, 'this API does not answer to that Host')
    }
    if (request.is404) return
    const door = doorOf(request)
    const isWrite = door === 'write' || door === 'call'
    if ((isWrite || door === 'ingest') && isForeign(request.headers)) {
      throw new RequestError(403, 'a page of another site may not do this')
    }
    const shown = bearerOf(request)
    const bearer = shown === null || door === 'internal' ? null : (tokens?.find(shown) ?? null)
    const isFeed = door === 'ingest' && shown !== null && feedToken !== undefined && isSame(shown, feedToken)
    const rights = shown === null ? null : isFeed ? 'ingest' : (bearer?.rights ?? 'unknown')
    const verdict = mayPass({ door, isLoopback: isLoopback(boundTo), rights })
    if (!verdict.ok) {
      const headers = verdict.status === 401 ? { 'www-authenticate': 'Bearer' } : undefined
      throw new RequestError(verdict.status, verdict.why, [], headers)
    }
    if (door === 'write') {
      const seconds = limiter.take(bearer?.name ?? request.ip, performance.now())
      if (seconds !== null) {
        const message = `more than ${writeRate.perSecond} writes a second`
        throw new RequestError(429, message, [], { 'retry-after': String(seconds) })
      }
    }
    if (isWrite && bearer !== null) onWrite?.(bearer.name, `${request.method} ${request.url.split('?')[0]}`)
  })
}

function doorOf({ method, routeOptions }: FastifyRequest): Door {
  const told = routeOptions.config.endpoint?.door ?? routeOptions.config.door
  return told ?? (method === 'GET' || method === 'HEAD' ? 'read' : 'write')
}

function bearerOf({ headers }: FastifyRequest): string | null {
  if (headers.authorization === undefined) return null
  return /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1] ?? ''
}

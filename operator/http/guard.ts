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
  /** Whether a client at this address may use the old API without a token. */
  readonly isLegacyClient?: (address: string) => boolean
  readonly writeRate?: WriteRate
  /** Of the plugin processes, which send spans too. */
  readonly feedToken?: string | undefined
  /** A write that was let in by a token, for the log. */
  readonly onWrite?: (name: string, what: string) => void
}

export const WRITE_RATE: WriteRate = { perSecond: 50, burst: 200 }

/** Who is let in, before anything else is looked at. */
export function guard(app: FastifyInstance, options: GuardOptions): void {
  const { boundTo, names = [], tokens, isLegacyClient, writeRate = WRITE_RATE, feedToken, onWrite } = options
  const limiter = new WriteLimiter(writeRate)
  const isFree = isLoopback(boundTo)
  const check = (request: FastifyRequest): void => {
    if (!isAllowedHost(boundTo, request.headers.host, names)) {
      throw new RequestError(421, 'this API does not answer to that Host')
    }
    if (request.is404) return
    const told = doorOf(request)
    const door = told === 'legacy' ? (isReading(request) ? 'read' : 'call') : told
    const isWrite = door === 'write' || door === 'call'
    if ((isWrite || door === 'ingest') && isForeign(request.headers)) {
      throw new RequestError(403, 'a page of another site may not do this')
    }
    const shown = bearerOf(request)
    const bearer = shown === null || door === 'internal' ? null : (tokens?.find(shown) ?? null)
    const isFeed = door === 'ingest' && shown !== null && feedToken !== undefined && isSame(shown, feedToken)
    const rights = shown === null ? null : isFeed ? 'ingest' : (bearer?.rights ?? 'unknown')
    const isExempt = told === 'legacy' && (isLegacyClient?.(request.ip) ?? false)
    const verdict = mayPass({ door, isLoopback: isFree, rights, isExempt })
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
  }
  // With a callback: a promise for each request would cost more than the check.
  app.addHook('onRequest', (request, _reply, done) => {
    try {
      check(request)
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  })
}

function doorOf(request: FastifyRequest): Door {
  const { endpoint, door } = request.routeOptions.config
  return endpoint?.door ?? door ?? (isReading(request) ? 'read' : 'write')
}

const isReading = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD'

function bearerOf({ headers }: FastifyRequest): string | null {
  if (headers.authorization === undefined) return null
  return /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1] ?? ''
}

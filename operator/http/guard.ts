import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isForeign, mayPass } from '../access/door-rules.ts'
import type { TokenBook } from '../access/token-book.ts'
import { WriteLimiter, type WriteRate } from '../access/write-rate.ts'
import { revealed, type Secret } from '../telemetry/secret.ts'
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
  readonly feedToken?: Secret | string | undefined
  /** A write that was let in by a token, for the log. */
  readonly onWrite?: (name: string, what: string) => void
}

export const WRITE_RATE: WriteRate = { perSecond: 50, burst: 200 }

/** A request, as far as it matters here. */
export interface Visitor {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Where the connection comes from. */
  readonly address: string
  /** null: there is no such route. */
  readonly door: Door | null
}

/** @throws RequestError for one that is not let in */
export type Admit = (visitor: Visitor) => void

/** Who is let in, before anything else is looked at. */
export function admission(options: GuardOptions): Admit {
  const { boundTo, names = [], tokens, isLegacyClient, writeRate = WRITE_RATE, feedToken, onWrite } = options
  const limiter = new WriteLimiter(writeRate)
  const isFree = isLoopback(boundTo)
  return ({ method, url, headers, address, door: told }) => {
    if (!isAllowedHost(boundTo, headers.host, names)) {
      throw new RequestError(421, 'this API does not answer to that Host')
    }
    if (told === null) return
    const door = told === 'legacy' ? (isReading(method) ? 'read' : 'call') : told
    const isWrite = door === 'write' || door === 'call'
    if ((isWrite || door === 'ingest') && isForeign(headers)) {
      throw new RequestError(403, 'a page of another site may not do this')
    }
    const shown = bearerOf(headers)
    const bearer = shown === null || door === 'internal' ? null : (tokens?.find(shown) ?? null)
    const isFeed = door === 'ingest' && shown !== null && isFeedToken(shown, revealed(feedToken))
    const rights = shown === null ? null : isFeed ? 'ingest' : (bearer?.rights ?? 'unknown')
    const isExempt = told === 'legacy' && (isLegacyClient?.(address) ?? false)
    const verdict = mayPass({ door, isLoopback: isFree, rights, isExempt })
    if (!verdict.ok) {
      const answered = verdict.status === 401 ? { 'www-authenticate': 'Bearer' } : undefined
      throw new RequestError(verdict.status, verdict.why, [], answered)
    }
    if (door === 'write') {
      const seconds = limiter.take(bearer?.name ?? address, performance.now())
      if (seconds !== null) {
        const message = `more than ${writeRate.perSecond} writes a second`
        throw new RequestError(429, message, [], { 'retry-after': String(seconds) })
      }
    }
    if (isWrite && bearer !== null) onWrite?.(bearer.name, `${method} ${url.split('?')[0]}`)
  }
}

const isFeedToken = (shown: string, token: string | undefined): boolean =>
  token !== undefined && isSame(shown, token)

/** Asks `admit` of every request that comes to fastify. */
export function guard(app: FastifyInstance, admit: Admit): void {
  // With a callback: a promise for each request would cost more than the check.
  app.addHook('onRequest', (request, _reply, done) => {
    const { method, url, headers, ip: address } = request
    try {
      admit({ method, url, headers, address, door: request.is404 ? null : doorOf(request) })
    } catch (error) {
      done(error as Error)
      return
    }
    done()
  })
}

function doorOf(request: FastifyRequest): Door {
  const { endpoint, door } = request.routeOptions.config
  return endpoint?.door ?? door ?? (isReading(request.method) ? 'read' : 'write')
}

const isReading = (method: string): boolean => method === 'GET' || method === 'HEAD'

function bearerOf({ authorization }: IncomingHttpHeaders): string | null {
  if (authorization === undefined) return null
  return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? ''
}

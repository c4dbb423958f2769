import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { revealed, type Secret } from '../telemetry/secret.ts'
import { RequestError } from './request-error.ts'

/**
 * Lets plugin processes in: by their token, or from this machine alone where there is none.
 * @throws RequestError 401, 403
 */
export function checkInternalAccess(request: FastifyRequest, secret: Secret | string | undefined): void {
  const token = revealed(secret)
  if (token === undefined) {
    if (isLoopbackAddress(request.socket.remoteAddress)) return
    throw new RequestError(
      403,
      'without a token (KONGSUL_FEED_TOKEN) only processes of this machine may call',
    )
  }
  const [, given] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? []
  if (given === undefined || !isSame(given, token)) {
    throw new RequestError(401, 'the token is missing or wrong: give the plugins the same KONGSUL_FEED_TOKEN')
  }
}

export function isLoopbackAddress(address: string | undefined): boolean {
  const plain = address?.replace(/^::ffff:/i, '')
  return plain === '::1' || (plain?.startsWith('127.') ?? false)
}

/** Takes the same time wherever they differ. */
export function isSame(given: string, token: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(token))
}

import { doesNotThrow, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { FastifyRequest } from 'fastify'
import { checkInternalAccess, isLoopbackAddress } from '../../../operator/http/internal-access.ts'

const from = (remoteAddress: string, authorization?: string) =>
  ({ socket: { remoteAddress }, headers: { authorization } }) as unknown as FastifyRequest
const refused = (statusCode: number) => ({ statusCode })

test('without a token processes of this machine are let in, and nobody else', () => {
  doesNotThrow(() => checkInternalAccess(from('127.0.0.1'), undefined))
  doesNotThrow(() => checkInternalAccess(from('::1', 'Bearer any'), undefined))
  throws(() => checkInternalAccess(from('10.0.0.9'), undefined), refused(403))
})

test('with a token the token decides, wherever the call comes from', () => {
  doesNotThrow(() => checkInternalAccess(from('10.0.0.9', 'Bearer abc'), 'abc'))
  for (const given of [undefined, '', 'Bearer', 'Bearer abd', 'Bearer abcd', 'Basic abc']) {
    throws(() => checkInternalAccess(from('127.0.0.1', given), 'abc'), refused(401))
  }
})

test('an IPv4 address in IPv6 form is loopback where it is', () => {
  equal(isLoopbackAddress('::ffff:127.0.0.1'), true)
  equal(isLoopbackAddress('::ffff:10.0.0.1'), false)
  equal(isLoopbackAddress(undefined), false)
})

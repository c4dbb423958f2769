// What an operator says of who is let in: warnings at its start, and the name of each token that writes.
import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import { guardOptions } from '../../../operator/access/guard-options.ts'
import type { Logger } from '../../../operator/telemetry/logger.ts'
import { bareApi } from '../../support/bare-api.ts'

const WRITER = 'writer-token-0123456789'
const NETWORKS = '10.0.0.0/8'

function said() {
  const lines: { level: string; message: string; fields: object }[] = []
  const at =
    (level: string) =>
    (message: string, fields: object = {}) =>
      void lines.push({ level, message, fields })
  const log: Logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  return {
    lines,
    log,
    warnings: () => lines.filter(({ level }) => level === 'warn').map(({ message }) => message),
  }
}

test('off loopback an operator warns at its start of old clients without a token, and of nobody being let in', () => {
  const both = said()
  guardOptions({ host: '0.0.0.0', port: 0, legacyNetworks: NETWORKS }, both.log)
  deepEqual(both.warnings(), [
    'the API is not on loopback and has no tokens: nobody can read or write',
    'clients of these networks enqueue and read results without a token',
  ])
  deepEqual(both.lines[1]?.fields, { networks: NETWORKS })
  const neither = said()
  guardOptions({ host: '0.0.0.0', port: 0, token: WRITER }, neither.log)
  guardOptions({ host: '127.0.0.1', port: 0, legacyNetworks: NETWORKS }, neither.log)
  deepEqual(neither.warnings(), [])
})

test('the name of the token is in the log with every write, and the token nowhere', async () => {
  const { lines, log } = said()
  const { app } = bareApi({
    host: '0.0.0.0',
    guard: guardOptions({ host: '0.0.0.0', port: 0, token: WRITER }, log),
  })
  const ask = async (method: 'GET' | 'PUT', url: string) =>
    (await app.inject({ method, url, headers: { authorization: `Bearer ${WRITER}` } })).statusCode
  equal(await ask('PUT', '/api/v1/mesh/v2/services/web/pause?zz=1'), 422)
  equal(await ask('GET', '/api/v1/mesh/v2/services?zz=1'), 422)
  const fields = { name: 'access.token', what: 'PUT /api/v1/mesh/v2/services/web/pause' }
  deepEqual(lines, [{ level: 'info', message: 'a write by a token', fields }])
  await app.close()
})

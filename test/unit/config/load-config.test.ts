import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { ConfigError } from '../../../operator/config/config-error.ts'
import { readConfig } from '../../../operator/config/load-config.ts'
import { revealed } from '../../../operator/telemetry/secret.ts'

const folder = mkdtempSync(join(tmpdir(), 'kongsul-config-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

test('a token file wins over the token and loses its line end', () => {
  const { operator } = readConfig(
    {},
    { CONSUL_HTTP_TOKEN: 'a', CONSUL_HTTP_TOKEN_FILE: file('token', 'from-file\n') },
  )
  assert.equal(revealed(operator.consul.token), 'from-file')
})

test('tokens do not show when the configuration is printed', () => {
  const config = readConfig({}, { CONSUL_HTTP_TOKEN: 'hush-hush' })
  assert.ok(!inspect(config.operator, { depth: 9 }).includes('hush-hush'))
  assert.ok(!JSON.stringify(config.operator).includes('hush-hush'))
})

test('certificates are read into the TLS settings', () => {
  const { operator } = readConfig({}, { CONSUL_CACERT: file('ca.pem', 'PEM'), CONSUL_HTTP_SSL: 'true' })
  assert.equal(operator.consul.tls?.ca, 'PEM')
  assert.equal(operator.consul.url, 'https://127.0.0.1:8500')
})

test('a certificate that is not there names the setting and its source', () => {
  assert.throws(() => readConfig({}, { CONSUL_CACERT: join(folder, 'none.pem') }), {
    message: /consul\.caFile \(environment CONSUL_CACERT\) cannot be read: ENOENT/,
  })
})

test('--config names a file that must exist', () => {
  assert.throws(() => readConfig({ config: join(folder, 'none.yaml') }, {}), ConfigError)
})

test('--config is read, also as JSON', () => {
  const { operator } = readConfig({ config: file('c.json', '{"expose": {"default": "all"}}') }, {})
  assert.equal(operator.expose, 'all')
})

test('without anything it is the local mesh of the defaults', () => {
  const { operator } = readConfig({}, { XDG_STATE_HOME: '/state' })
  assert.deepEqual(JSON.parse(JSON.stringify(operator)), {
    consul: { url: 'http://127.0.0.1:8500' },
    kong: {
      adminUrl: 'http://127.0.0.1:8001',
      tokenHeader: 'Kong-Admin-Token',
      timeoutMs: 10_000,
      parallel: 8,
      snapshotDir: '/state/kongsul/snapshots',
    },
    proxyUrl: 'http://127.0.0.1:8000',
    api: {
      host: '127.0.0.1',
      port: 8080,
      names: [],
      writeRate: { perSecond: 50, burst: 200 },
      discoverTtlSeconds: 30,
      tokenFiles: [],
    },
    links: {},
    mesh: 'default',
    hostSuffix: 'mesh',
    resync: { cron: '*/5 * * * *' },
    overrides: { policy: 'keep' },
    outcomes: 'access_log',
    operator: {},
    certificates: {},
    traces: { maxTraces: 10_000, maxMegabytes: 160 },
    dryRun: false,
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { ConfigError } from '../../../operator/config/config-error.ts'
import { readConfig } from '../../../operator/config/load-config.ts'
import { tlsOptions } from '../../../operator/secrets/tls-options.ts'
import { redisAddress } from '../../../operator/sync/redis-address.ts'
import { sharedRedis } from '../../../operator/sync/shared-redis.ts'
import { revealed } from '../../../operator/telemetry/secret.ts'
import { makeCertificate } from '../../support/make-certificate.ts'

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
  const { cert, key } = makeCertificate(['client'])
  const { operator } = readConfig(
    {},
    {
      CONSUL_HTTP_SSL: 'true',
      CONSUL_CACERT: file('ca.pem', cert),
      CONSUL_CLIENT_CERT: file('cert.pem', cert),
      CONSUL_CLIENT_KEY: file('key.pem', key),
      CONSUL_TLS_SERVER_NAME: 'server.dc1.consul',
    },
  )
  assert.deepEqual(tlsOptions(operator.consul.tls), {
    ...{ ca: cert, cert, key },
    servername: 'server.dc1.consul',
    rejectUnauthorized: true,
  })
  assert.equal(operator.consul.url, 'https://127.0.0.1:8500')
})

test('every connection has the same settings of TLS', () => {
  const { cert, key } = makeCertificate(['client'])
  const files = {
    CERT_FILE: file('cert.pem', cert),
    KEY_FILE: file('key.pem', key),
    CA_FILE: file('ca.pem', cert),
  }
  const of = (prefix: string) =>
    Object.fromEntries(Object.entries(files).map(([name, path]) => [`KONGSUL_${prefix}_${name}`, path]))
  const prefixes = ['CONSUL', 'KONG', 'KONG_PROXY', 'REDIS', 'ALERTS', 'TRACES_EXPORT', 'OTLP', 'OPERATORS']
  const config = readConfig(
    {},
    Object.assign(
      { REDIS_URL: 'rediss://r', KONGSUL_ALERTS_WEBHOOK: 'https://a' },
      ...prefixes.map(of),
    ) as Record<string, string>,
  )
  const { consul, kong, proxyTls, redis, alerts, traces, operatorsTls } = config.operator
  const all = [consul, kong, redis, alerts].map((each) => each?.tls)
  const others = [
    proxyTls,
    traces?.exportTls,
    operatorsTls,
    config.operatorsTls,
    config.plugins.collector.tls,
  ]
  for (const tls of [...all, ...others])
    assert.deepEqual(tlsOptions(tls), { ca: cert, cert, key, rejectUnauthorized: true })
})

test('the names that OpenTelemetry gives to files of TLS are taken', () => {
  const { cert, key } = makeCertificate(['client'])
  const { plugins } = readConfig(
    {},
    {
      OTEL_EXPORTER_OTLP_CERTIFICATE: file('ca.pem', cert),
      OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: file('cert.pem', cert),
      OTEL_EXPORTER_OTLP_CLIENT_KEY: file('key.pem', key),
    },
  )
  assert.deepEqual(tlsOptions(plugins.collector.tls), { ca: cert, cert, key, rejectUnauthorized: true })
})

test('a certificate without its key names what is missing', () => {
  const { cert } = makeCertificate(['client'])
  assert.throws(
    () =>
      readConfig(
        {},
        { KONGSUL_ALERTS_CERT_FILE: file('cert.pem', cert), KONGSUL_ALERTS_WEBHOOK: 'https://a' },
      ),
    {
      message:
        /alerts\.certFile \(environment KONGSUL_ALERTS_CERT_FILE\) is given without alerts\.keyFile\. Give both/,
    },
  )
})

test('a file that holds no certificate names the setting, its source and the file', () => {
  assert.throws(() => readConfig({}, { CONSUL_CACERT: file('ca.pem', 'PEM') }), {
    message: /consul\.caFile \(environment CONSUL_CACERT\): .*ca\.pem holds no certificate in PEM/,
  })
})

test('the password of Redis in a file wins over that in the address', () => {
  const { operator } = readConfig(
    {},
    { REDIS_URL: 'redis://user:old@r:1/2', KONGSUL_REDIS_PASSWORD_FILE: file('password', 'n%w/@\n') },
  )
  assert.equal(redisAddress(operator.redis!), 'redis://user:n%25w%2F%40@r:1/2')
  assert.equal(sharedRedis(operator.redis)!.password, 'n%w/@')
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

import { deepEqual, throws } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { HeaderFile } from '../../../operator/secrets/header-file.ts'
import { collectorsOf, headersFor, type SpanCollector } from '../../../plugins/agent/agent-config.ts'

const tracesUrl = (endpoint: string) => `${endpoint}/v1/traces`

test('there is no collector without an endpoint', () => {
  deepEqual(collectorsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, tracesUrl), [])
})

test('the endpoint of traces is taken as it is, and comes before the general one', () => {
  const both = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a:4318',
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://user:secret@b:1/x',
  }
  const [{ name, url, headers }] = collectorsOf(both, tracesUrl) as [SpanCollector]
  deepEqual({ name, url, headers }, { name: 'b:1', url: 'http://user:secret@b:1/x', headers: {} })
  const { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: _, ...general } = both
  deepEqual(collectorsOf(general, tracesUrl)[0]!.url, 'http://a:4318/v1/traces')
})

test('headers are percent-decoded, and what is no pair is left out', () => {
  const [collector] = collectorsOf(
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=a%20b, y = 100%,=z,junk' },
    tracesUrl,
  )
  deepEqual(collector!.headers, { 'x-key': 'a b', y: '100%' })
})

test('an endpoint that is no URL is an error', () => {
  throws(() => collectorsOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'nowhere' }, tracesUrl), TypeError)
})

test('a header of the file wins over one of the environment, and the token of the feed over both', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kongsul-collectors-'))
  const path = join(folder, 'headers')
  writeFileSync(path, 'X-Key: of the file')
  const file = new HeaderFile({ setting: 'otlp.headersFile', path }, { tell: () => {} })
  rmSync(folder, { recursive: true })
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://a', OTEL_EXPORTER_OTLP_HEADERS: 'x-key=b,y=c' }
  const [collector] = collectorsOf(environment, tracesUrl, { headers: file })
  deepEqual(headersFor(collector!), { 'x-key': 'of the file', y: 'c' })
  deepEqual(headersFor({ headers: { authorization: 'a' }, token: 'b' }), { authorization: 'Bearer b' })
})

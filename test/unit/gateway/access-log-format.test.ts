import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { startAccessLog } from '../../../kong/gateway/access-log/access-log.ts'
import { parseAccessLog } from '../../../kong/gateway/access-log/access-log-target.ts'
import { ESCAPES } from '../../../kong/gateway/access-log/escape.ts'
import { parseLogFormat } from '../../../kong/gateway/access-log/log-format.ts'
import { isoTime, localTime, syslogTime } from '../../../kong/gateway/access-log/nginx-time.ts'
import { UPSTREAM_VARIABLES } from '../../../kong/gateway/access-log/upstream-variables.ts'
import type { RequestContext } from '../../../kong/gateway/proxy/request-context.ts'
import type { TryRecord } from '../../../kong/gateway/proxy/try-record.ts'

const request = (fields: object): RequestContext => ({ tries: [], ...fields }) as unknown as RequestContext

test('a line is the text with its variables, escaped for JSON', () => {
  const { name, line } = parseLogFormat(`mesh escape=json '{"id":"$kong_request_id","s":"\${status}x"}'`)
  equal(name, 'mesh')
  equal(line(request({ id: 'a"\\\n\u0001', status: 9 })), '{"id":"a\\"\\\\\\n\\u0001","s":"009x"}')
})

test('the text may come in several quoted pieces', () => {
  equal(parseLogFormat(`f '$status ' "a\\"b"`).line(request({ status: 200 })), '200 a"b')
})

const escapes: readonly [keyof typeof ESCAPES, string | undefined, string][] = [
  ['json', undefined, ''],
  ['json', 'é\u007f\u001f\t\b\f\r', 'é\u007f\\u001F\\t\\b\\f\\r'],
  ['default', undefined, '-'],
  ['default', 'a"b\\c\u0001\u00e9', 'a\\x22b\\x5Cc\\x01\\xE9'],
  ['none', undefined, ''],
  ['none', '"\\', '"\\'],
]
for (const [how, value, expected] of escapes) {
  test(`escape=${how} makes ${JSON.stringify(value)} into ${JSON.stringify(expected)}`, () =>
    equal(ESCAPES[how](value), expected))
}

test('a syslog server has nginx defaults for all that is not said', () => {
  deepEqual(parseAccessLog('syslog:server=127.0.0.1:5140,nohostname,tag=mesh name'), {
    target: {
      kind: 'syslog',
      host: '127.0.0.1',
      port: 5140,
      tag: 'mesh',
      hasHostname: false,
      priority: 190,
    },
    formatName: 'name',
  })
  deepEqual(parseAccessLog('syslog:server=[::1],facility=user,severity=error'), {
    target: { kind: 'syslog', host: '::1', port: 514, tag: 'nginx', hasHostname: true, priority: 11 },
    formatName: 'combined',
  })
  equal(parseAccessLog('off'), null)
})

const mistakes: readonly [string, Record<string, string | null>, RegExp][] = [
  ['a variable nobody knows', { logFormat: "f '$nosuch'" }, /KONG_NGINX_HTTP_LOG_FORMAT.*"nosuch"/],
  ['a format without text', { logFormat: 'f' }, /KONG_NGINX_HTTP_LOG_FORMAT.*needs a name and a text/],
  ['an unbalanced quote', { logFormat: "f 'x" }, /unbalanced quote/],
  ['an unknown escape', { logFormat: "f escape=xml 'x'" }, /unknown escape=xml/],
  ['an unknown syslog parameter', { accessLog: 'syslog:server=h:1,foo=1 f' }, /'foo=1'/],
  ['a format that is not defined', { accessLog: 'syslog:server=h:1 other' }, /unknown log format "other"/],
]
for (const [what, settings, message] of mistakes) {
  test(`says what is wrong with ${what}`, () => {
    const good = {
      accessLog: 'syslog:server=127.0.0.1:1 f',
      logFormat: "f '$status'",
      proxyAccessLog: 'x.log',
    }
    throws(() => startAccessLog({ ...good, ...settings }), message)
  })
}

test("Kong's own access log switched off switches this one off", () => {
  const settings = { accessLog: 'syslog:server=127.0.0.1:1 f', logFormat: "f '$status'" }
  equal(startAccessLog({ ...settings, proxyAccessLog: 'off' }), null)
})

test('times are written as nginx does', () => {
  const at = new Date(2026, 10, 3, 7, 8, 9)
  equal(syslogTime(at), 'Nov  3 07:08:09')
  equal(localTime(at).slice(0, 20), '03/Nov/2026:07:08:09')
  equal(isoTime(at).slice(0, 19), '2026-11-03T07:08:09')
})

const tried = (address: string, status: number, connectMs: number | null): TryRecord => ({
  address,
  status,
  connectMs,
  headerMs: connectMs,
  responseMs: 1.4,
  startedAtMs: 0,
  bytesSent: 0,
  bytesReceived: 0,
  bodyBytes: 0,
})
const shown = (name: string, tries: TryRecord[]) => UPSTREAM_VARIABLES[name]?.(request({ tries }))

test('every try is in the list, and a try that nobody took ends it', () => {
  const dead = tried('10.0.0.1:1', 502, null)
  equal(shown('upstream_addr', [dead, tried('10.0.0.2:80', 200, 0)]), '10.0.0.1:1, 10.0.0.2:80')
  equal(shown('upstream_status', [dead, tried('10.0.0.2:80', 200, 0)]), '502, 200')
  equal(shown('upstream_connect_time', [dead, tried('10.0.0.2:80', 200, 0)]), '-, 0.000')
  equal(shown('upstream_response_time', [dead]), '0.001')
  equal(shown('upstream_addr', [dead, dead, tried('', 0, null)]), '10.0.0.1:1, 10.0.0.1:1 : ')
  equal(shown('upstream_status', [tried('10.0.0.1:1', 0, 0)]), '-')
  equal(shown('upstream_addr', []), undefined)
})

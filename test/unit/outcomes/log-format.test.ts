import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logSettingLines, logSettings } from '../../../plugins/outcomes/log-format.ts'
import { RECORDED, RECORDED_TOKEN } from '../../support/outcomes.ts'

test('the log goes to the feed, in a format of the same name', () => {
  const { KONG_NGINX_PROXY_ACCESS_LOG: log, KONG_NGINX_HTTP_LOG_FORMAT: format } = logSettings({
    token: 'a-token-of-ours',
  })
  assert.equal(log, 'syslog:server=127.0.0.1:5140,nohostname,tag=mesh mesh')
  assert.match(format, /^mesh escape=json '\{"k":"a-token-of-ours","t":"\$msec",.*\}'$/)
})

test('the format is JSON with one variable a field, so that nginx and the shell read it as one text', () => {
  const { KONG_NGINX_HTTP_LOG_FORMAT: format } = logSettings({ token: 'a-token-of-ours' })
  const text = format.slice(format.indexOf("'") + 1, -1)
  assert.ok(!text.includes("'"))
  const { k: _token, ...fields } = JSON.parse(text) as Record<string, string>
  for (const [name, variable] of Object.entries(fields)) assert.match(variable, /^\$[a-z0-9_]+$/, name)
})

test('recorded lines have exactly the fields of the format', () => {
  const { KONG_NGINX_HTTP_LOG_FORMAT: format } = logSettings({ token: RECORDED_TOKEN })
  const names = Object.keys(JSON.parse(format.slice(format.indexOf("'") + 1, -1)) as object)
  for (const [name, { line }] of Object.entries(RECORDED)) {
    assert.deepEqual(Object.keys(JSON.parse(line.slice(line.indexOf('{'))) as object), names, name)
  }
})

test('an IPv6 address of the feed stands in brackets', () => {
  const { KONG_NGINX_PROXY_ACCESS_LOG: log } = logSettings({ token: 'a-token-of-ours', host: '::1', port: 7 })
  assert.match(log, /^syslog:server=\[::1\]:7,/)
})

test('printed, they are two lines of an environment', () => {
  const lines = logSettingLines({ token: 'a-token-of-ours' })
  assert.deepEqual(
    lines.map((text) => text.slice(0, text.indexOf('='))),
    ['KONG_NGINX_HTTP_LOG_FORMAT', 'KONG_NGINX_PROXY_ACCESS_LOG'],
  )
})

test('a token that could leave its place in the format is refused', () => {
  for (const token of [
    '',
    'short',
    'a"b"c"d"e',
    "it's-a-token",
    'token with blanks',
    '$msec-token',
    'a'.repeat(129),
  ]) {
    assert.throws(() => logSettings({ token }), RangeError, token)
  }
})

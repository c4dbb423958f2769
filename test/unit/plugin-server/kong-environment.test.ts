import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { MESH_PLUGINS } from '../../../operator/core/service-plugins.ts'
import { FED_PLUGINS, kongEnvironment, shellLines } from '../../../plugins/server/kong-environment.ts'

const environment = kongEnvironment({
  socketDir: '/run/kongsul',
  lineToken: 'token-of-the-lines',
  feed: { host: '127.0.0.1', port: 5140 },
})

test('Kong loads every plugin of the mesh that the access log feeds, and knows socket and dump of each', () => {
  assert.deepEqual(
    FED_PLUGINS,
    MESH_PLUGINS.filter((name: string) => name !== 'mesh-observer'),
  )
  assert.equal(environment['KONG_PLUGINS'], ['bundled', ...FED_PLUGINS].join())
  assert.equal(environment['KONG_PLUGINSERVER_NAMES'], FED_PLUGINS.join())
  assert.equal(environment['KONG_PLUGINSERVER_MESH_TRACING_SOCKET'], '/run/kongsul/mesh-tracing.sock')
  assert.equal(environment['KONG_PLUGINSERVER_MESH_TRACING_QUERY_CMD'], 'cat /run/kongsul/mesh-tracing.json')
})

test('Kong gives up on a plugin that hangs later than the process is replaced, and sends its log to the feed', () => {
  assert.equal(environment['KONG_NGINX_HTTP_LUA_SOCKET_READ_TIMEOUT'], '500ms')
  assert.match(environment['KONG_NGINX_PROXY_ACCESS_LOG']!, /^syslog:server=127\.0\.0\.1:5140,/)
  assert.match(environment['KONG_NGINX_HTTP_LOG_FORMAT']!, /"k":"token-of-the-lines"/)
})

test('a shell reads the lines as what they say', () => {
  const script = `${shellLines(environment).join('\n')}\nprintf %s "$KONG_NGINX_HTTP_LOG_FORMAT"`
  const read = execFileSync('sh', ['-c', script], { encoding: 'utf8' })
  assert.equal(read, environment['KONG_NGINX_HTTP_LOG_FORMAT'])
})

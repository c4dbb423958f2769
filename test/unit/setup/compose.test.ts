// docker-compose.yml is not started here: what can be known of it without containers.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { COMPOSE_ORDER } from '../../../operator/cli/deploy/compose.ts'
import { FED_PLUGINS, kongEnvironment } from '../../../plugins/server/kong-environment.ts'

interface Service {
  readonly network_mode?: string
  readonly networks?: object
  readonly command?: string | readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: object
}

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const file = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
}
const { services } = file

/** As compose has it: defaults of variables, `$$` for a dollar sign. */
const interpolated = (text: string) =>
  String(text)
    .replaceAll(/(?<!\$)\$\{\w+:-([^}]*)\}/g, '$1')
    .replaceAll('$$', '$')
const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(services[name]!.environment ?? {}).map(([key, value]) => [key, interpolated(value)]),
  )

test('Kong has what the plugins print for it, with the token that they run with', () => {
  const kong = environmentOf('kong')
  const plugins = environmentOf('plugins')
  const wanted = kongEnvironment({
    socketDir: '/run/kongsul',
    lineToken: plugins['KONGSUL_FEED_LINE_TOKEN']!,
    feed: { host: '127.0.0.1', port: 5140 },
  })
  for (const [name, value] of Object.entries(wanted)) assert.equal(kong[name], value, name)
  assert.equal(services['kong-migrations']!.environment!['KONG_PLUGINS'], undefined)
})

test('Kong writes an access log of its own, without which none would be sent, and follows changes within 0.1 s', () => {
  const { KONG_PROXY_ACCESS_LOG, KONG_WORKER_STATE_UPDATE_FREQUENCY } = environmentOf('kong')
  assert.notEqual(KONG_PROXY_ACCESS_LOG, 'off')
  assert.equal(KONG_WORKER_STATE_UPDATE_FREQUENCY, '0.1')
  assert.match(read('kong/kong.conf'), /^worker_state_update_frequency = 0\.1$/m)
  assert.match(read('kong/kong.conf'), /^nginx_http_lua_socket_read_timeout = 500ms$/m)
})

test('Kong and the plugins share a loopback and the sockets, and Kong starts when the plugins are healthy', () => {
  for (const name of ['kong', 'plugins']) {
    const { network_mode, networks, ports, volumes } = services[name]!
    assert.equal(network_mode, 'service:kong-network')
    assert.deepEqual([networks, ports], [undefined, undefined], 'they belong to the owner of the network')
    assert.ok(volumes!.some((volume) => /^sockets:\/run\/kongsul(:ro)?$/.test(volume)))
  }
  assert.equal(services['kong']!.depends_on!['plugins']!.condition, 'service_healthy')
  assert.ok(services['plugins']!.healthcheck)
  assert.ok('sockets' in file.volumes)
})

test('no service waits for one that waits for it', () => {
  const visit = (name: string, path: readonly string[]): void => {
    assert.ok(!path.includes(name), [...path, name].join(' -> '))
    assert.ok(name in services, `${path.at(-1)} waits for ${name}, which is not there`)
    for (const next of Object.keys(services[name]!.depends_on ?? {})) visit(next, [...path, name])
  }
  for (const name of Object.keys(services)) visit(name, [])
})

test('the plugins tell the operator with the token that it lets in', () => {
  const { KONGSUL_FEED_TOKEN, KONGSUL_PLUGINS_OPERATORS } = environmentOf('plugins')
  assert.equal(environmentOf('operator')['KONGSUL_FEED_TOKEN'], KONGSUL_FEED_TOKEN)
  assert.equal(KONGSUL_PLUGINS_OPERATORS, 'http://operator:8080')
})

test('only the proxy is published to the network', () => {
  const ports = Object.values(services).flatMap((service) => service.ports ?? [])
  assert.deepEqual(
    ports.filter((port) => !port.startsWith('127.0.0.1:')),
    ['8000:8000', '8443:8443'],
  )
})

test('the image is built from everything that the command line is bundled from', () => {
  for (const folder of ['operator', 'kong', 'plugins']) {
    assert.match(read('kong/Dockerfile'), new RegExp(`^COPY ${folder} ${folder}$`, 'm'))
    assert.match(read('kong/Dockerfile.dockerignore'), new RegExp(`^!${folder}$`, 'm'))
  }
  assert.ok(FED_PLUGINS.length > 0)
})

test('what deploy starts part by part is there, and nothing waits for a later part', () => {
  const needs = (name: string): readonly string[] =>
    Object.keys(services[name]!.depends_on ?? {}).flatMap((next) => [next, ...needs(next)])
  COMPOSE_ORDER.forEach((name, index) => {
    assert.ok(name in services, name)
    const later = COMPOSE_ORDER.slice(index + 1).filter((each) => needs(name).includes(each))
    assert.deepEqual(later, [], `${name} waits for ${later}`)
  })
})

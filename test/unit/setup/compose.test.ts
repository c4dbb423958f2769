// docker-compose.yml is not started here: what can be known of it without containers.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { COMPOSE_ORDER } from '../../../operator/cli/deploy/compose.ts'
import { program } from '../../../operator/cli/program.ts'
import { configOf } from '../../../operator/config/load-config.ts'
import { FED_PLUGINS, kongEnvironment } from '../../../plugins/server/kong-environment.ts'

interface Service {
  readonly image: string
  readonly user?: string
  readonly profiles: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly read_only?: boolean
  readonly security_opt?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly network_mode?: string
  readonly networks?: object
  readonly command?: string | readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required?: boolean }>>
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly healthcheck?: object
}

const root = join(import.meta.dirname, '..', '..', '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const file = parse(read('docker-compose.yml'), { merge: true, maxAliasCount: -1 }) as {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: object
}
const { services } = file
const PROFILES = ['full', 'minimal', 'dbless']
const inProfile = (profile: string) =>
  Object.keys(services).filter((name) => services[name]!.profiles.includes(profile))
const NODES = ['kong', 'kong-dbless']
const OPERATORS = ['operator', 'operator-2']

/** As compose has it: defaults of variables, `$$` for a dollar sign. */
const interpolated = (text: string) =>
  String(text)
    .replaceAll(/(?<!\$)\$\{\w+:-([^}]*)\}/g, '$1')
    .replaceAll('$$', '$')
const environmentOf = (name: string) =>
  Object.fromEntries(
    Object.entries(services[name]!.environment ?? {}).map(([key, value]) => [key, interpolated(value)]),
  )

for (const node of NODES)
  test(`${node} has what the plugins print for it, with the token that they run with`, () => {
    const kong = environmentOf(node)
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
  for (const node of NODES) {
    const { KONG_PROXY_ACCESS_LOG, KONG_WORKER_STATE_UPDATE_FREQUENCY } = environmentOf(node)
    assert.notEqual(KONG_PROXY_ACCESS_LOG, 'off')
    assert.equal(KONG_WORKER_STATE_UPDATE_FREQUENCY, '0.1')
  }
  assert.match(read('kong/kong.conf'), /^worker_state_update_frequency = 0\.1$/m)
  assert.match(read('kong/kong.conf'), /^nginx_http_lua_socket_read_timeout = 500ms$/m)
})

test('Kong and the plugins share a loopback and the sockets, and Kong starts when the plugins are healthy', () => {
  for (const name of [...NODES, 'plugins']) {
    const { network_mode, networks, ports, volumes } = services[name]!
    assert.equal(network_mode, 'service:kong-network')
    assert.deepEqual([networks, ports], [undefined, undefined], 'they belong to the owner of the network')
    assert.ok(volumes!.some((volume) => /^sockets:\/run\/kongsul(:ro)?$/.test(volume)))
  }
  for (const node of NODES) assert.equal(services[node]!.depends_on!['plugins']!.condition, 'service_healthy')
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

test('the plugins tell both operators with the token that they let in, and Prometheus asks both', () => {
  const { KONGSUL_FEED_TOKEN, KONGSUL_PLUGINS_OPERATORS } = environmentOf('plugins')
  for (const name of OPERATORS) assert.equal(environmentOf(name)['KONGSUL_FEED_TOKEN'], KONGSUL_FEED_TOKEN)
  assert.deepEqual(
    KONGSUL_PLUGINS_OPERATORS!.split(','),
    OPERATORS.map((name) => `http://${name}:8080`),
  )
  const { scrape_configs: jobs } = parse(read('kong/prometheus/prometheus.yml'))
  const [{ static_configs: targets }] = jobs as [{ static_configs: object }]
  assert.deepEqual(targets, [{ targets: OPERATORS.map((name) => `${name}:8080`) }])
})

test('operators elect one of them by names of their own, and take their environment', () => {
  for (const name of OPERATORS) {
    const { operator, ...rest } = configOf(environmentOf(name)).operator
    assert.deepEqual(operator, { id: name, advertise: `${name}:8080` })
    assert.equal(rest.kong.adminUrl, 'http://kong:8001')
    assert.equal(rest.consul.url, 'http://consul:8500')
    assert.equal(rest.expose, 'all')
  }
  assert.ok(configOf(environmentOf('plugins')))
})

test('each profile has all that its services wait for, and one Kong', () => {
  assert.deepEqual(new Set(Object.values(services).flatMap(({ profiles }) => profiles)), new Set(PROFILES))
  for (const profile of PROFILES) {
    const names = inProfile(profile)
    for (const name of names) {
      const { depends_on: needs = {}, network_mode: network = '' } = services[name]!
      const needed = Object.keys(needs).filter((each) => needs[each]!.required !== false)
      const shared = network.startsWith('service:') ? [network.slice('service:'.length)] : []
      for (const each of [...needed, ...shared])
        assert.ok(names.includes(each), `${name} of ${profile} lacks ${each}`)
    }
    assert.deepEqual(names.filter((name) => NODES.includes(name)).length, 1, profile)
  }
  assert.deepEqual(
    inProfile('full').filter((name) => /^(web|api|store|traffic|operator.*)$/.test(name)),
    [...OPERATORS, 'web', 'api', 'store', 'traffic'],
  )
  assert.ok(!inProfile('dbless').includes('postgres'))
  assert.ok(COMPOSE_ORDER.every((name) => inProfile('full').includes(name)))
})

test('what kongsul is started with in a container the command line takes', async () => {
  const started = Object.entries(services).filter(
    ([, { image, entrypoint }]) => image === 'kongsul' && !entrypoint,
  )
  assert.ok(started.length >= 6)
  for (const [service, { command }] of started) {
    const [name, ...args] = command as readonly string[]
    const root = await program([name!, ...args])
    const found = root.commands.find((each) => each.name() === name)
    assert.ok(found, `${service}: kongsul ${name}`)
    const { operands, unknown } = found.parseOptions([...args])
    assert.deepEqual([operands, unknown], [[], []], service)
    const missing = found.options.filter(
      (option) => option.mandatory && found.getOptionValue(option.attributeName()) === undefined,
    )
    assert.deepEqual(
      missing.map(({ long }) => long),
      [],
      service,
    )
  }
})

test('every variable has a default', () => {
  const text = read('docker-compose.yml').replaceAll('$$', '')
  const without = [...text.matchAll(/\$(\{[^}]*\}|\w+)/g)]
    .map(([used]) => used)
    .filter((used) => !/^\$\{\w+:-[^}]*\}$/.test(used))
  assert.deepEqual(without, [])
})

test('every image is of one version', () => {
  const images = Object.values(services)
    .map(({ image }) => image)
    .filter((image) => image !== 'kongsul')
  for (const image of images) assert.match(image, /:v?\d+\.\d+\.\d+(-\w+)?$|^postgres:\d+\.\d+-/)
  const bases = [...read('kong/Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base!)
  assert.equal(new Set(bases).size, 1)
  assert.match(bases[0]!, /^node:\d+\.\d+\.\d+-slim$/)
})

test('no container is root, or writes elsewhere than to volumes and memory', () => {
  for (const [name, { image, user, read_only, security_opt, tmpfs = [] }] of Object.entries(services)) {
    assert.ok(image === 'kongsul' ? user === undefined : /^(?!root|0)/.test(user ?? '0'), `${name} is root`)
    assert.equal(read_only, true, name)
    assert.deepEqual(security_opt, ['no-new-privileges:true'], name)
    for (const each of tmpfs) assert.match(each, /^\/[\w/]+:mode=1777$/)
  }
  assert.match(read('kong/Dockerfile'), /^USER node$/m)
})

test('a volume that our own containers write to is made for their user by the image: a new one begins as its folder is', () => {
  const made = [...read('kong/Dockerfile').matchAll(/^RUN install -d -o node -g node (.+)$/gm)].flatMap(
    ([, folders = '']) => folders.split(' '),
  )
  const written = Object.values(services)
    .filter(({ image }) => image === 'kongsul')
    .flatMap(({ volumes = [] }) =>
      volumes.filter((volume) => !volume.startsWith('.') && !volume.endsWith(':ro')),
    )
    .map((volume) => volume.split(':')[1]!)
  assert.deepEqual(made.sort(), [...new Set(written)].sort())
})

test('what is waited for says when it is healthy, and what serves for long is checked', () => {
  const unchecked = Object.keys(services).filter((name) => services[name]!.healthcheck === undefined)
  assert.deepEqual(unchecked, ['kong-migrations', 'kong-network', 'traffic'])
  for (const { depends_on: needs = {} } of Object.values(services)) {
    for (const [name, { condition }] of Object.entries(needs))
      if (condition === 'service_healthy') assert.ok(services[name]!.healthcheck, name)
  }
})

test('every file that is mounted is one of the repository, and one that other tests read', () => {
  const mounted = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.flatMap((volume) => (volume.startsWith('./') ? [volume.split(':')] : [])),
  )
  for (const [, , mode] of mounted) assert.equal(mode, 'ro')
  const paths = [...new Set(mounted.map(([path]) => path!.slice(2)))].sort()
  assert.deepEqual(paths, [
    'kong/grafana/dashboards',
    'kong/grafana/provisioning',
    'kong/kong.conf',
    'kong/prometheus/mesh.rules.yml',
    'kong/prometheus/prometheus.yml',
  ])
  const tests = ['test/unit/metrics/prometheus-files.test.ts', 'test/unit/setup/compose.test.ts']
    .map(read)
    .join('')
  for (const path of paths) {
    assert.notEqual(execFileSync('git', ['ls-files', path], { cwd: root, encoding: 'utf8' }), '', path)
    const words = path.split('/')
    assert.ok(tests.includes(path) || tests.includes(words.map((word) => `'${word}'`).join(', ')), path)
  }
})

test('volumes that are used are declared, and the other way round', () => {
  const used = Object.values(services).flatMap(({ volumes = [] }) =>
    volumes.filter((volume) => !volume.startsWith('.')).map((volume) => volume.split(':')[0]!),
  )
  assert.deepEqual([...new Set(used)].sort(), Object.keys(file.volumes).sort())
})

test('whom Kong believes about addresses is said, and is nobody but itself unless somebody is named', () => {
  for (const node of NODES) {
    const { KONG_TRUSTED_IPS, KONG_REAL_IP_HEADER } = environmentOf(node)
    assert.deepEqual([KONG_TRUSTED_IPS, KONG_REAL_IP_HEADER], ['127.0.0.1', 'X-Forwarded-For'])
  }
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

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeConfig } from '../../../operator/config/describe-config.ts'
import { parseFile } from '../../../operator/config/parse-file.ts'
import { type ConfigLayers, resolveConfig } from '../../../operator/config/resolve-config.ts'
import { environmentOf, flagKeyOf, flagOf } from '../../../operator/config/setting.ts'
import { SETTINGS } from '../../../operator/config/settings-table.ts'
import { settingsText } from '../../../operator/setup/documented-settings.ts'

const layers = (given: Partial<ConfigLayers> & { yaml?: string }): ConfigLayers => ({
  flags: given.flags ?? {},
  environment: given.environment ?? {},
  file: given.yaml === undefined ? null : { name: 'kongsul.yaml', entries: parseFile(given.yaml).entries },
})
const resolve = (given: Parameters<typeof layers>[0]) => resolveConfig(layers(given))
const valueAndSource = (given: Parameters<typeof layers>[0], path: string) => {
  const { values, problems } = resolve(given)
  assert.deepEqual(problems, [])
  return [values.get(path)?.value, values.get(path)?.source]
}

const yaml = 'mesh: from-file\nport:\n  proxy: 9001\n'

test('a flag wins over environment, file and default', () => {
  const given = { flags: { mesh: 'from-flag' }, environment: { KONGSUL_MESH: 'from-env' }, yaml }
  assert.deepEqual(valueAndSource(given, 'mesh'), ['from-flag', 'flag --mesh'])
})

test('the environment wins over file and default', () => {
  const given = { environment: { KONGSUL_MESH: 'from-env' }, yaml }
  assert.deepEqual(valueAndSource(given, 'mesh'), ['from-env', 'environment KONGSUL_MESH'])
})

test('the file wins over the default and is named with its line', () => {
  assert.deepEqual(valueAndSource({ yaml }, 'mesh'), ['from-file', 'kongsul.yaml:1'])
  assert.deepEqual(valueAndSource({ yaml }, 'port.proxy'), [9001, 'kongsul.yaml:3'])
})

test('without anything the default holds and says so', () => {
  assert.deepEqual(valueAndSource({}, 'port.proxy'), [8000, 'default'])
})

test('the kongsul name wins over the usual name in the environment', () => {
  const environment = { KONG_ADMIN_URL: 'http://kong:8001', KONGSUL_KONG_ADMIN_URL: 'http://other:8001' }
  assert.deepEqual(valueAndSource({ environment }, 'kong.adminUrl'), [
    'http://other:8001',
    'environment KONGSUL_KONG_ADMIN_URL',
  ])
})

test('an empty variable counts as not set', () => {
  assert.deepEqual(valueAndSource({ environment: { CONSUL_HTTP_ADDR: '' } }, 'consul.address'), [
    'http://127.0.0.1:8500',
    'default',
  ])
})

test('CONSUL_HTTP_ADDR without a scheme is http, or https with CONSUL_HTTP_SSL', () => {
  const address = { CONSUL_HTTP_ADDR: 'consul.example:8500' }
  assert.equal(valueAndSource({ environment: address }, 'consul.address')[0], 'http://consul.example:8500')
  const tls = { environment: { ...address, CONSUL_HTTP_SSL: '1' } }
  assert.equal(valueAndSource(tls, 'consul.address')[0], 'https://consul.example:8500')
})

test('addresses that nobody gave follow the ports', () => {
  const environment = { KONGSUL_PORT_ADMIN: '9101' }
  assert.deepEqual(valueAndSource({ environment }, 'kong.adminUrl'), [
    'http://127.0.0.1:9101',
    'port.admin, environment KONGSUL_PORT_ADMIN',
  ])
})

const refusals: [what: string, given: Parameters<typeof layers>[0], problem: RegExp][] = [
  [
    'a port that is no number names the field, the variable and an example',
    { environment: { KONGSUL_PORT_PROXY: 'abc' } },
    /^port\.proxy \(environment KONGSUL_PORT_PROXY\): "abc" is not a number\. Example: 8000$/,
  ],
  [
    'a port above 65535 is refused',
    { flags: { portApi: '70000' } },
    /^port\.api \(flag --port-api\): "70000" is above 65535/,
  ],
  [
    'an unknown word is refused',
    { yaml: 'expose:\n  default: some' },
    /^expose\.default \(kongsul\.yaml:2\): "some" is neither "tagged" nor "all"/,
  ],
  [
    'an unknown key is refused with a guess',
    { yaml: 'kong:\n  adminURL: http://x' },
    /^kong\.adminURL \(kongsul\.yaml:2\): there is no such setting\. Did you mean kong\.adminUrl\?/,
  ],
  ['a list where one value belongs is refused', { yaml: 'mesh: [a, b]' }, /^mesh \(kongsul\.yaml:1\)/],
  [
    'a unix socket of Consul is refused',
    { environment: { CONSUL_HTTP_ADDR: 'unix:///run/consul.sock' } },
    /consul\.address .* is not an http/,
  ],
  [
    'an Enterprise namespace is refused, not ignored',
    { environment: { CONSUL_NAMESPACE: 'team' } },
    /^CONSUL_NAMESPACE \(environment\): .*not supported/,
  ],
  [
    'an address with a password is refused, and the password is not told',
    { environment: { KONG_ADMIN_URL: 'http://a:8001,http://kong:hunter2@b:8001' } },
    /^kong\.adminUrl \(environment KONG_ADMIN_URL\): "http:\/\/a:8001,http:\/\/\[redacted\]@b:8001" holds a user or a password/,
  ],
  [
    'one of several Admin URLs that is none is refused',
    { environment: { KONG_ADMIN_URL: 'http://a:8001,b:8001' } },
    /^kong\.adminUrl .* separated by commas/,
  ],
  ['a cron expression of three fields is refused', { flags: { resyncCron: '* * *' } }, /^resync\.cron/],
]
for (const [what, given, problem] of refusals) {
  test(what, () => {
    const { problems } = resolve(given)
    assert.equal(problems.length, 1)
    assert.match(problems[0]!, problem)
  })
}

test('every wrong field is reported at once', () => {
  assert.equal(resolve({ flags: { portApi: 'x', mesh: 'a/b' } }).problems.length, 2)
})

test('a variable that is no setting is warned about, with the name that may be meant', () => {
  const { warnings, problems } = resolve({ environment: { KONGSUL_MESHH: 'x', KONGSUL_FOO: 'x' } })
  assert.deepEqual(problems, [])
  assert.deepEqual(warnings, [
    'KONGSUL_MESHH (environment) is not a setting. Did you mean KONGSUL_MESH?',
    'KONGSUL_FOO (environment) is not a setting. "kongsul config process" lists the settings.',
  ])
})

test("variables that Kubernetes sets for a service named kongsul are nobody's mistake", () => {
  const environment = {
    KONGSUL_SERVICE_HOST: '10.0.0.1',
    KONGSUL_SERVICE_PORT_HTTP: '80',
    KONGSUL_PORT: 'tcp://10.0.0.1:80',
    KONGSUL_PORT_80_TCP_ADDR: '10.0.0.1',
    KONGSUL_OPERATOR_SERVICE_HOST: '10.0.0.2',
    KONGSUL_OPERATOR_PORT: 'tcp://10.0.0.2:80',
    KONGSUL_CONFIG: '/etc/kongsul.yaml',
  }
  assert.deepEqual(resolve({ environment }).warnings, [])
})

test('secrets are redacted where values are printed', () => {
  const rows = describeConfig(resolve({ environment: { CONSUL_HTTP_TOKEN: 'hush-hush' } }))
  assert.ok(!JSON.stringify(rows).includes('hush-hush'))
  assert.equal(rows.find(({ path }) => path === 'consul.token')?.value, '[redacted]')
})

test('a secret of the wrong kind stays out of the error message', () => {
  const { problems } = resolve({ yaml: 'consul:\n  token: [hush-hush]' })
  assert.match(problems[0]!, /^consul\.token \(kongsul\.yaml:2\): the value /)
  assert.ok(!problems[0]!.includes('hush-hush'))
})

test("a token that nginx's configuration cannot hold is refused by its name, and not shown", () => {
  const { problems } = resolve({ environment: { KONGSUL_FEED_LINE_TOKEN: 'hush hush' } })
  assert.match(problems[0]!, /^feed\.lineToken \(.*\): the value has to be 8 to 128 letters, digits, - and _/)
})

test('every default satisfies its own rule, and every example too', () => {
  for (const setting of SETTINGS) {
    if (setting.fallback !== undefined)
      assert.ok(setting.schema.safeParse(setting.fallback).success, setting.path)
    const { problems } = resolve({ flags: { [flagKeyOf(setting.path)]: setting.example } })
    assert.deepEqual(problems, [], setting.path)
  }
})

test('paths give flags and variables', () => {
  assert.equal(flagOf('kong.adminUrl'), '--kong-admin-url')
  assert.equal(environmentOf('port.proxyTls'), 'KONGSUL_PORT_PROXY_TLS')
  assert.equal(flagKeyOf('consul.caFile'), 'consulCaFile')
})

test('a file that is no YAML names the line', () => {
  assert.match(parseFile('mesh: [').problems[0]!, /line 1/)
})

test('an empty file, or one of comments, sets nothing', () => {
  assert.deepEqual(parseFile('# nothing\n'), { entries: [], problems: [] })
})

test('docs/settings.md is what the table makes', () => {
  const docs = join(import.meta.dirname, '..', '..', '..', 'docs', 'settings.md')
  assert.equal(readFileSync(docs, 'utf8'), settingsText(), 'npm run generate')
})

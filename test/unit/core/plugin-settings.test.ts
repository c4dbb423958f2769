import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { transform } from '../../../kong/gateway/plugins-runtime/transformation.ts'
import { desired } from '../../../operator/core/desired.ts'
import type { Entity } from '../../../operator/core/entity.ts'
import { commonBlocks, isWithin } from '../../../operator/core/plugin-settings/cidr.ts'
import { combineTraffic } from '../../../operator/core/plugin-settings/combine-settings.ts'
import { type HeaderSteps, mergeSteps } from '../../../operator/core/plugin-settings/header-fields.ts'
import type { SharedRedis } from '../../../operator/core/plugin-settings/plugin-configs.ts'
import { sayRefusal } from '../../../operator/core/plugin-settings/say-refusal.ts'
import { BUILT_IN_TRAFFIC } from '../../../operator/core/plugin-settings/traffic-settings.ts'
import { acceptSettings } from '../../../operator/core/settings.ts'
import { changedEntity } from '../../../operator/sync/change-log.ts'
import { sharedRedis } from '../../../operator/sync/shared-redis.ts'
import { catalog, effective, instance, settingsOf } from './build-mesh.ts'

const REDIS: SharedRedis = {
  host: 'redis.internal',
  port: 6380,
  username: 'kong',
  password: 'hush-hush',
  database: 2,
  ssl: true,
  verify: true,
}

function pluginsOf(document: unknown, redis?: SharedRedis): readonly Entity[] {
  const { state } = desired({
    snapshot: catalog({ web: [instance(1)] }),
    settings: settingsOf({ 'mesh/services/web': document }),
    options: { mesh: 'default', hostSuffix: 'mesh', exposeDefault: 'all', ...(redis ? { redis } : {}) },
    actual: new Map(),
  })
  return [...state.values()].filter(({ kind }) => kind === 'plugin')
}
const fieldsOf = (document: unknown, name: string, redis?: SharedRedis) =>
  pluginsOf(document, redis).find((each) => each.name === name)?.fields

test('a service without such settings gets none of the plugins', () => {
  deepEqual(pluginsOf({}), [])
  deepEqual(
    pluginsOf({ rateLimit: { limitBy: 'ip' }, cors: { credentials: true }, access: { deny: [] } }),
    [],
  )
})

test('each setting becomes its plugin, in Kong’s own words', () => {
  const cases: [document: object, name: string, fields: object][] = [
    [
      { rateLimit: { second: 5, minute: 100, limitBy: 'header', header: 'X-Caller' } },
      'rate-limiting',
      {
        'config.second': 5,
        'config.minute': 100,
        'config.hour': null,
        'config.limit_by': 'header',
        'config.header_name': 'X-Caller',
        'config.policy': 'local',
        'config.redis.host': null,
      },
    ],
    [
      { requestSize: { maxBytes: 1_048_576 } },
      'request-size-limiting',
      { 'config.allowed_payload_size': 1_048_576, 'config.size_unit': 'bytes' },
    ],
    [
      { access: { allow: ['10.0.0.0/8'], deny: ['10.1.2.3'] } },
      'ip-restriction',
      { 'config.allow': ['10.0.0.0/8'], 'config.deny': ['10.1.2.3'] },
    ],
    [{ access: { deny: ['::1'] } }, 'ip-restriction', { 'config.allow': null, 'config.deny': ['::1'] }],
    [
      { cors: { origins: ['https://shop.example.com'], maxAgeSeconds: 60, exposedHeaders: ['X-Total'] } },
      'cors',
      {
        'config.origins': ['https://shop.example.com'],
        'config.max_age': 60,
        'config.exposed_headers': ['X-Total'],
        'config.credentials': false,
      },
    ],
    [
      {
        headers: { request: { set: { 'X-Env': 'prod' }, rename: { 'X-Old': 'X-New' }, remove: ['X-Debug'] } },
      },
      'request-transformer',
      {
        'config.remove.headers': ['X-Debug'],
        'config.rename.headers': ['X-Old:X-New'],
        'config.replace.headers': ['X-Env:prod'],
        'config.add.headers': ['X-Env:prod'],
        'config.append.headers': [],
      },
    ],
    [
      { headers: { response: { add: { 'X-Served-By': 'a:b' } } } },
      'response-transformer',
      { 'config.append.headers': ['X-Served-By:a:b'], 'config.add.headers': [] },
    ],
  ]
  for (const [document, name, wanted] of cases) {
    const fields = fieldsOf(document, name)!
    equal(pluginsOf(document).length, 1)
    deepEqual(Object.fromEntries(Object.keys(wanted).map((key) => [key, fields[key]])), wanted)
  }
})

test('a section is switched off for one service where all have it', () => {
  const off = { enabled: false }
  const documents = {
    'mesh/defaults': {
      rateLimit: { minute: 5 },
      access: { deny: ['1.2.3.4'] },
      requestSize: { maxBytes: 9 },
      cors: { origins: ['*'] },
    },
    'mesh/services/free': { rateLimit: off, access: off, requestSize: off, cors: off },
  }
  const { state } = desired({
    snapshot: catalog({ web: [instance(1)], free: [instance(2)] }),
    settings: settingsOf(documents),
    options: { mesh: 'default', hostSuffix: 'mesh' },
    actual: new Map(),
  })
  const owners = [...state.values()].filter(({ kind }) => kind === 'plugin').map(({ owner }) => owner)
  deepEqual(owners, ['web', 'web', 'web', 'web'])
})

test('headers of a service lie over those of all by name, whatever its case', () => {
  const settings = settingsOf({
    'mesh/defaults': { headers: { response: { set: { 'X-Frame': 'deny', 'X-Keep': '1' } } } },
    'mesh/services/web': { headers: { response: { set: { 'x-frame': 'same' } } } },
  })
  const { state } = desired({
    snapshot: catalog({ web: [instance(1)] }),
    settings,
    options: { mesh: 'default', hostSuffix: 'mesh' },
    actual: new Map(),
  })
  const plugin = [...state.values()].find(({ name }) => name === 'response-transformer')!
  deepEqual(plugin.fields['config.add.headers'], ['X-Keep:1', 'x-frame:same'])
})

test('limits counted together use the Redis of the process; without one they are counted by node, and this is told', () => {
  const document = { rateLimit: { minute: 5, policy: 'redis' } }
  const fields = fieldsOf(document, 'rate-limiting', REDIS)!
  const told = ['host', 'port', 'username', 'password', 'database', 'ssl', 'ssl_verify', 'server_name']
  deepEqual(
    told.map((key) => fields[`config.redis.${key}`]),
    ['redis.internal', 6380, 'kong', 'hush-hush', 2, true, true, 'redis.internal'],
  )
  equal(fieldsOf(document, 'rate-limiting')!['config.policy'], 'local')
  const { problems } = desired({
    snapshot: catalog({ web: [instance(1)] }),
    settings: settingsOf({ 'mesh/services/web': document }),
    options: { mesh: 'default', hostSuffix: 'mesh', exposeDefault: 'all' },
    actual: new Map(),
  })
  deepEqual(
    problems.map(({ code }) => code),
    ['RATE_LIMIT_LOCAL'],
  )
})

test('the password of Redis is never told', () => {
  const entity = pluginsOf({ rateLimit: { minute: 5, policy: 'redis' } }, REDIS)[0]!
  const fields = Object.keys(entity.fields)
  const told = changedEntity({ action: 'create', entity, before: null, fields, service: 'web' })
  ok(!JSON.stringify(told).includes('hush-hush'))
  equal(told.fields.find(({ field }) => field === 'config.redis.password')?.to, '[redacted]')
})

test('REDIS_URL is taken apart for Kong', () => {
  equal(sharedRedis(undefined), null)
  deepEqual(sharedRedis({ url: 'rediss://user:p%40ss@r.example/3', tls: { rejectUnauthorized: false } }), {
    host: 'r.example',
    port: 6379,
    username: 'user',
    password: 'p@ss',
    database: 3,
    ssl: true,
    verify: false,
  })
  deepEqual(sharedRedis({ url: 'redis://[::1]:7000' }), {
    host: '::1',
    port: 7000,
    username: null,
    password: null,
    database: 0,
    ssl: false,
    verify: true,
  })
})

test('Kong asks Redis for the name that its certificate has', () => {
  const tls = { serverName: 'redis.internal' }
  equal(sharedRedis({ url: 'rediss://10.0.0.1', tls })!.serverName, 'redis.internal')
})

test('documents with values that cannot be are refused by field', () => {
  const cases: [document: object, error: RegExp][] = [
    [{ rateLimit: { minutes: 5 } }, /rateLimit\.minutes is not a setting; did you mean rateLimit\.minute\?/],
    [{ requestSize: { maxBytes: '1MB' } }, /requestSize\.maxBytes must be a whole number/],
    [{ access: { allow: ['everybody'] } }, /access\.allow\[0\] must be an address or a CIDR block/],
    [{ cors: { origins: [] } }, /cors\.origins must have at least 1 entry/],
    [{ headers: { request: { set: { Host: 'x' } } } }, /headers\.request\.set\.Host must not name Host/],
    [{ headers: { response: { add: { 'X A': 'x' } } } }, /headers\.response\.add\.X A must be a header name/],
    [{ headers: { request: { set: { 'X-A': '$(uri)' } } } }, /headers\.request\.set\.X-A must not have \$\(/],
    [{ headers: { response: { set: { 'X-A': ':b' } } } }, /headers\.response\.set\.X-A must be text/],
    [{ headers: { request: { remove: ['x-mesh-route'] } } }, /must not name Host, X-Mesh-Route/],
  ]
  for (const [document, error] of cases) {
    const { refused } = acceptSettings(null, new Map([['mesh/services/web', JSON.stringify(document)]]))
    match(refused.get('mesh/services/web')!.errors.join('\n'), error)
  }
})

test('what Kong refuses is told by the name of the setting', () => {
  deepEqual(sayRefusal('rate-limiting', { config: 'The limit for minute(5.0) cannot be lower than x' }, ''), [
    'rateLimit.minute is refused by Kong: The limit for minute(5.0) cannot be lower than x',
  ])
  deepEqual(sayRefusal('ip-restriction', { config: { allow: ["invalid ip or cidr range: 'x'"] } }, ''), [
    "access.allow is refused by Kong: invalid ip or cidr range: 'x'",
  ])
  const needed = {
    config: { header_name: 'required field missing' },
    '@entity': ['failed conditional validation'],
  }
  deepEqual(sayRefusal('rate-limiting', needed, ''), [
    'rateLimit.header is refused by Kong: required field missing',
  ])
  deepEqual(sayRefusal('cors', { name: "plugin 'cors' not enabled" }, ''), [
    "cors is refused by Kong: plugin 'cors' not enabled",
  ])
  deepEqual(sayRefusal('cors', undefined, 'whatever'), ['cors is refused by Kong: whatever'])
})

test('two lists of blocks have in common what lies in both', () => {
  deepEqual(commonBlocks(['10.0.0.0/8', '192.168.1.7'], ['10.1.0.0/16', '192.168.0.0/16']), [
    '10.1.0.0/16',
    '192.168.1.7',
  ])
  deepEqual(commonBlocks(['fd00::/8'], ['fd12:3456::/32', '10.0.0.0/8']), ['fd12:3456::/32'])
  deepEqual(commonBlocks(['10.0.0.0/8'], ['11.0.0.0/8']), [])
  ok(isWithin('0.0.0.0/0', '0.0.0.0/0') && !isWithin('::/0', '0.0.0.0/0') && !isWithin('x', '0.0.0.0/0'))
})

test('requests led to another service pass what both let through', () => {
  const settings = (document: object) => effective(document).settings
  const told: string[] = []
  const both = (entry: object, answering: object) =>
    combineTraffic(settings(entry), settings(answering), (what) => told.push(what))
  const limits = both(
    { rateLimit: { minute: 10, hour: 50 } },
    { rateLimit: { minute: 20, second: 1 } },
  ).rateLimit
  deepEqual([limits.second, limits.minute, limits.hour], [1, 10, 50])
  equal(both({ requestSize: { maxBytes: 10 } }, { requestSize: { maxBytes: 20 } }).requestSize.maxBytes, 10)
  equal(both({ requestSize: { maxBytes: 10 } }, {}).requestSize.maxBytes, 10)
  const access = both(
    { access: { allow: ['10.0.0.0/8'], deny: ['10.9.9.9'] } },
    { access: { allow: ['10.1.0.0/16'] } },
  )
  deepEqual([access.access.allow, access.access.deny], [['10.1.0.0/16'], ['10.9.9.9']])
  const nobody = both({ access: { allow: ['10.0.0.0/8'] } }, { access: { allow: ['11.0.0.0/8'] } }).access
    .allow!
  equal(nobody.length, 1)
  deepEqual(told, [])
  equal(both({ rateLimit: { minute: 1 } }, { rateLimit: { minute: 9, limitBy: 'ip' } }).rateLimit.minute, 9)
  equal(told.length, 1)
})

const NAMES = ['A', 'b', 'C', 'd'] as const
const name = fc.constantFrom(...NAMES, ...NAMES.map((each) => each.toLowerCase()))
const pair = fc.tuple(name, fc.constantFrom('1', '2', '3'))
const uniqueBy = { selector: ([key]: readonly [string, string]) => key.toLowerCase() }
const steps = (isRenaming: boolean): fc.Arbitrary<HeaderSteps> =>
  fc.record({
    remove: fc.uniqueArray(name, { maxLength: 2, selector: (each) => each.toLowerCase() }),
    // Renaming in a ring has no meaning that one could rely on.
    rename: isRenaming
      ? fc.uniqueArray(fc.tuple(fc.constantFrom('A', 'b'), fc.constantFrom('C', 'd')), {
          maxLength: 1,
          ...uniqueBy,
        })
      : fc.constant([]),
    set: fc.uniqueArray(pair, { maxLength: 2, ...uniqueBy }),
    add: fc.array(pair, { maxLength: 2 }),
  })

test('merged steps do what the first and then the second do', () => {
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 4 }), steps(true), steps(false), (headers, first, then) => {
      const apart = new Map<string, readonly string[]>()
      for (const [key, value] of headers)
        apart.set(key.toLowerCase(), [...(apart.get(key.toLowerCase()) ?? []), value])
      const together = new Map(apart)
      run(apart, first)
      run(apart, then)
      run(together, mergeSteps(first, then)!)
      deepEqual([...together].sort(), [...apart].sort())
    }),
    { numRuns: 2_000 },
  )
})

function run(headers: Map<string, readonly string[]>, { remove, rename, set, add }: HeaderSteps): void {
  const texts = (list: readonly (readonly [string, string])[]) =>
    list.map(([key, value]) => `${key}:${value}`)
  transform(
    {
      get: (key) => headers.get(key.toLowerCase()),
      set: (key, values) => {
        if (values === undefined) headers.delete(key.toLowerCase())
        else headers.set(key.toLowerCase(), values)
      },
    },
    { remove, rename: texts(rename), replace: texts(set), add: texts(set), append: texts(add) },
  )
}

test('limits of two services together are limits that Kong takes, and no looser than either', () => {
  const periods = ['second', 'minute', 'hour', 'day'] as const
  const limits = fc.tuple(...periods.map(() => fc.option(fc.integer({ min: 1, max: 1_000 })))).map((said) => {
    let least = 1
    const pairs = periods.map((period, index) => {
      const limit = said[index] ?? null
      if (limit !== null) least = Math.max(least, limit)
      return [period, limit === null ? null : least] as const
    })
    return { ...BUILT_IN_TRAFFIC, rateLimit: { ...BUILT_IN_TRAFFIC.rateLimit, ...Object.fromEntries(pairs) } }
  })
  fc.assert(
    fc.property(limits, limits, (entry, own) => {
      const { rateLimit } = combineTraffic(entry, own, () => {})
      let longest = Number.POSITIVE_INFINITY
      for (const period of [...periods].reverse()) {
        const limit = rateLimit[period]
        const both = [entry, own].flatMap((each) => each.rateLimit[period] ?? [])
        equal(limit === null, both.length === 0)
        if (limit === null) continue
        ok(limit <= Math.min(...both) && limit <= longest)
        longest = limit
      }
    }),
  )
})

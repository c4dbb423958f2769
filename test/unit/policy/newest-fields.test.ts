// Every field of the entries as the current documentation lists them (Consul 1.22): it does something, or it is told by name
// that it does not. https://developer.hashicorp.com/consul/docs/reference/config-entry
import { deepEqual, match, ok } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { acceptIntentions } from '../../../operator/core/intentions/intention.ts'
import { acceptEntries } from '../../../operator/core/policy/config-entries.ts'
import {
  desireWith,
  type RawLists,
  resolver,
  router,
  splitter,
  VERSIONS,
  versioned,
} from './build-policies.ts'

const services = { web: [versioned(1, 'v1'), versioned(2, 'v2')], api: [versioned(3, 'v1')] }
const plain: RawLists = { 'service-resolver': [resolver('web', VERSIONS)] }
const resolve = (rest: object): RawLists => ({
  'service-resolver': [resolver('web', { ...VERSIONS, ...rest })],
})
const go = (destination: object, http: object = { PathPrefix: '/x' }): RawLists => ({
  ...plain,
  'service-router': [router('web', { Match: { HTTP: http }, Destination: destination })],
})
const balance = (rest: object) => resolve({ LoadBalancer: rest })
const hash = (policy: object) => balance({ Policy: 'maglev', HashPolicies: [policy] })
const split = (rest: object): RawLists => ({
  ...plain,
  'service-splitter': [
    splitter('web', { Weight: 90, ServiceSubset: 'v1' }, { Weight: 10, ServiceSubset: 'v2', ...rest }),
  ],
})

/** What Kong would be given, as one text: another one where a field does something. */
const stateOf = (lists: RawLists) => JSON.stringify([...desireWith(lists, services).state])
const toldOf = (lists: RawLists) =>
  desireWith(lists, services)
    .problems.map(({ message }) => message)
    .join('\n')

describe('a field that Kong can do', () => {
  const mapped: [field: string, without: RawLists, lists: RawLists][] = [
    ['resolver ConnectTimeout', plain, resolve({ ConnectTimeout: '3s' })],
    ['resolver RequestTimeout', plain, resolve({ RequestTimeout: '7s' })],
    ['resolver DefaultSubset', plain, resolve({ DefaultSubset: 'v1' })],
    ['resolver Subsets.Filter', resolve({ DefaultSubset: 'v1' }), resolve({ DefaultSubset: 'v2' })],
    ['resolver Redirect.Service', plain, resolve({ Redirect: { Service: 'api' } })],
    ['resolver Redirect.ServiceSubset', plain, resolve({ Redirect: { ServiceSubset: 'v2' } })],
    ['resolver Failover.Service', plain, resolve({ Failover: { '*': { Service: 'api' } } })],
    ['resolver Failover.Targets', plain, resolve({ Failover: { '*': { Targets: [{ Service: 'api' }] } } })],
    ['resolver LoadBalancer.Policy', plain, balance({ Policy: 'least_request' })],
    [
      'HashPolicies.Field and FieldValue',
      balance({ Policy: 'maglev' }),
      hash({ Field: 'header', FieldValue: 'x-a' }),
    ],
    ['router Match.PathPrefix', plain, go({ Service: 'api' })],
    ['router Match.PathExact', go({ Service: 'api' }), go({ Service: 'api' }, { PathExact: '/x' })],
    ['router Match.PathRegex', go({ Service: 'api' }), go({ Service: 'api' }, { PathRegex: '/x.*' })],
    [
      'router Match.CaseInsensitive',
      go({ Service: 'api' }),
      go({ Service: 'api' }, { PathPrefix: '/x', CaseInsensitive: true }),
    ],
    [
      'router Match.Methods',
      go({ Service: 'api' }),
      go({ Service: 'api' }, { PathPrefix: '/x', Methods: ['PUT'] }),
    ],
    ...(['Exact', 'Prefix', 'Suffix', 'Regex'] as const).map((how): [string, RawLists, RawLists] => [
      `router Match.Header.${how}`,
      go({ Service: 'api' }),
      go({ Service: 'api' }, { Header: [{ Name: 'x-a', [how]: 'v' }] }),
    ]),
    ['router Destination.PrefixRewrite', go({}), go({ PrefixRewrite: '/y' })],
    ['router Destination.ServiceSubset', go({}), go({ ServiceSubset: 'v2' })],
    ['router Destination.RequestTimeout', go({}), go({ RequestTimeout: '9s' })],
    ['router Destination.NumRetries', go({}), go({ NumRetries: 9 })],
    ['router Destination.RequestHeaders', go({}), go({ RequestHeaders: { Set: { 'x-a': '1' } } })],
    ['router Destination.ResponseHeaders', go({}), go({ ResponseHeaders: { Remove: ['x-a'] } })],
    ['splitter Weight', plain, split({})],
  ]
  for (const [field, without, lists] of mapped) {
    test(`${field} does something, and nothing is told of it`, () => {
      ok(stateOf(without) !== stateOf(lists))
      deepEqual(toldOf(lists), '')
    })
  }
})

test('hashing by the address where a header is missing is what Kong does: it is not told', () => {
  const header = { Field: 'header', FieldValue: 'x-a' }
  const both = (first: object) =>
    toldOf(balance({ Policy: 'maglev', HashPolicies: [first, { SourceIP: true }] }))
  deepEqual(both({ ...header, Terminal: true }), '')
  // Both at once.
  match(both(header), /HashPolicies\[1\] has no effect/)
  match(both({ ...header, Field: 'cookie', Terminal: true }), /HashPolicies\[1\] has no effect/)
})

describe('a field that Kong cannot do', () => {
  const told: [field: string, lists: RawLists][] = [
    ['PrioritizeByLocality', resolve({ PrioritizeByLocality: { Mode: 'failover' } })],
    ['Redirect.Datacenter', resolve({ Redirect: { Service: 'api', Datacenter: 'dc2' } })],
    ['Redirect.Peer', resolve({ Redirect: { Service: 'api', Peer: 'east' } })],
    ['Redirect.SamenessGroup', resolve({ Redirect: { Service: 'api', SamenessGroup: 'all' } })],
    ['Redirect.Namespace', resolve({ Redirect: { Service: 'api', Namespace: 'team' } })],
    ['Redirect.Partition', resolve({ Redirect: { Service: 'api', Partition: 'team' } })],
    ['Failover[*].Datacenters', resolve({ Failover: { '*': { Datacenters: ['dc2'] } } })],
    [
      'Failover[*].Datacenters',
      resolve({ DefaultSubset: 'v1', Failover: { '*': { Datacenters: ['dc2'] }, v2: { Service: 'api' } } }),
    ],
    [
      'Failover[v1].Datacenters',
      resolve({ DefaultSubset: 'v1', Failover: { v1: { Datacenters: ['dc2'] } } }),
    ],
    ['Failover[*].SamenessGroup', resolve({ Failover: { '*': { SamenessGroup: 'all' } } })],
    ['Failover[*].Namespace', resolve({ Failover: { '*': { Service: 'api', Namespace: 'team' } } })],
    [
      'Failover[*].Policy',
      resolve({ Failover: { '*': { Service: 'api', Policy: { Mode: 'order-by-locality' } } } }),
    ],
    ...['Datacenter', 'Peer', 'Namespace', 'Partition'].map((field): [string, RawLists] => [
      `Failover[*].Targets[0].${field}`,
      resolve({ Failover: { '*': { Targets: [{ Service: 'api', [field]: 'east' }] } } }),
    ]),
    [
      'LoadBalancer.LeastRequestConfig',
      balance({ Policy: 'least_request', LeastRequestConfig: { ChoiceCount: 5 } }),
    ],
    ['LoadBalancer.RingHashConfig', balance({ Policy: 'ring_hash', RingHashConfig: { MinimumRingSize: 5 } })],
    ...[{ Session: true }, { TTL: '9s' }, { Path: '/a' }].map((CookieConfig): [string, RawLists] => [
      'LoadBalancer.HashPolicies[0].CookieConfig',
      hash({ Field: 'cookie', FieldValue: 'side', CookieConfig }),
    ]),
    ['Match.HTTP.QueryParam', go({}, { QueryParam: [{ Name: 'q', Exact: '1' }] })],
    ['Match.HTTP.Header[0].Invert', go({}, { Header: [{ Name: 'x-a', Exact: 'v', Invert: true }] })],
    ...['Namespace', 'Partition'].flatMap((field): [string, RawLists][] => [
      [`Destination.${field}`, go({ [field]: 'team' })],
      [`Splits[1].${field}`, split({ [field]: 'team' })],
    ]),
    ['LoadBalancer.Policy', balance({ Policy: 'by_weather' })],
    ['Destination.IdleTimeout', go({ IdleTimeout: '3s' })],
    ['Destination.RetryOn', go({ RetryOn: ['5xx', 'reset'] })],
    ['Destination.RetryOnStatusCodes', go({ RetryOnStatusCodes: [503] })],
    ['Splits[1].RequestHeaders', split({ RequestHeaders: { Set: { 'x-a': '1' } } })],
    ['Splits[1].ResponseHeaders', split({ ResponseHeaders: { Set: { 'x-a': '1' } } })],
  ]
  for (const [field, lists] of told) {
    test(`${field} is told by name`, () => ok(toldOf(lists).includes(field), toldOf(lists)))
  }

  test('everything of service-defaults that is for sidecars is told by name', () => {
    const fields = {
      Mode: 'transparent',
      UpstreamConfig: { Defaults: { ConnectTimeoutMs: 5 } },
      TransparentProxy: { DialedDirectly: true },
      MutualTLSMode: 'strict',
      EnvoyExtensions: [{ Name: 'builtin/lua' }],
      Destination: { Addresses: ['a.b'], Port: 1 },
      MaxInboundConnections: 5,
      MeshGateway: { Mode: 'local' },
      BalanceInboundConnections: 'exact_balance',
      RateLimits: { InstanceLevel: { RequestsPerSecond: 5 } },
      Expose: { Checks: true },
      ExternalSNI: 'a.b',
    }
    const { problems } = acceptEntries(
      null,
      new Map([
        ['service-defaults', [{ Kind: 'service-defaults', Name: 'web', Protocol: 'http', ...fields }]],
      ]),
    )
    const text = problems.map(({ message }) => message).join()
    deepEqual(
      Object.keys(fields).filter((field) => !text.includes(field)),
      [],
    )
  })

  test('everything of proxy-defaults that is for sidecars is told by name', () => {
    const fields = {
      MeshGateway: { Mode: 'local' },
      AccessLogs: { Enabled: true },
      FailoverPolicy: { Mode: 'order-by-locality' },
      Config: { protocol: 'http', local_connect_timeout_ms: 5, envoy_tracing_json: '' },
      Expose: { Checks: false, Paths: [] },
    }
    const { problems } = acceptEntries(
      null,
      new Map([['proxy-defaults', [{ Kind: 'proxy-defaults', Name: 'global', ...fields }]]]),
    )
    deepEqual(
      problems.map(({ code, message }) => `${code} ${message}`),
      [
        'ENTRY_FOR_SIDECARS proxy-defaults global: AccessLogs, FailoverPolicy, MeshGateway, Config.local_connect_timeout_ms are for sidecars, without effect in Kong; only Config.protocol is taken',
      ],
    )
  })

  test('an intention that asks for tokens of users, or is of others than services here, lets nobody in and says why', () => {
    const row = { SourceName: 'web', DestinationName: 'api', Action: 'allow' }
    const providers = { Providers: [{ Name: 'okta', VerifyClaims: [{ Path: ['role'], Value: 'admin' }] }] }
    const permissions = [{ Action: 'allow', HTTP: { PathPrefix: '/v2' }, JWT: providers }]
    for (const [raw, said] of [
      [{ ...row, JWT: providers }, /JWT/],
      [{ ...row, SourcePeer: 'east' }, /peer east/],
      [{ ...row, SourceSamenessGroup: 'all' }, /sameness group all/],
      [{ ...row, SourceNS: 'team' }, /namespace team/],
      [{ ...row, SourcePartition: 'team' }, /partition team/],
    ] as const) {
      const { list, problems } = acceptIntentions(null, [raw])
      match(problems.map(({ message }) => message).join(), said)
      ok(!list.some(({ says }) => says === 'allow'), JSON.stringify(raw))
    }
    const { list } = acceptIntentions(null, [{ ...row, Action: '', Permissions: permissions }])
    deepEqual(list[0]!.says, [{ action: 'allow', isForAll: false }])
  })
})

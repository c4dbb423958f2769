import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acceptIntentions } from '../../../operator/core/intentions/intention.ts'

/** As Consul 1.8.7 lists one. */
const legacy = (SourceName: string, DestinationName: string, Action: string) => ({
  ID: 'a1',
  Description: '',
  SourceNS: 'default',
  SourceName,
  DestinationNS: 'default',
  DestinationName,
  SourceType: 'consul',
  Action,
  DefaultAddr: '',
  DefaultPort: 0,
  Meta: {},
  Precedence: 9,
  CreateIndex: 12,
  ModifyIndex: 12,
})

/** As newer versions list a source of a service-intentions entry. */
const entry = (rest: object) => ({
  SourceNS: 'default',
  SourceName: 'web',
  DestinationNS: 'default',
  DestinationName: 'api',
  SourceType: 'consul',
  Action: '',
  Precedence: 9,
  ...rest,
})

const permissions = (...list: readonly object[]) => entry({ Permissions: list })

test('an intention of any version is a source, a destination and what it says', () => {
  const { list, problems } = acceptIntentions(null, [
    legacy('web', 'api', 'deny'),
    legacy('*', 'api', 'allow'),
  ])
  assert.deepEqual(list, [
    { source: '*', destination: 'api', says: 'allow' },
    { source: 'web', destination: 'api', says: 'deny' },
  ])
  assert.deepEqual(problems, [])
})

test('permissions keep their order, and one without conditions, or for every path, is for all requests', () => {
  const rows = [
    permissions(
      { Action: 'deny', HTTP: { PathExact: '', PathPrefix: '/admin', Methods: null } },
      { Action: 'allow', HTTP: { PathPrefix: '/', Header: [] } },
      { Action: 'deny', HTTP: null },
    ),
  ]
  assert.deepEqual(acceptIntentions(null, rows).list[0]!.says, [
    { action: 'deny', isForAll: false },
    { action: 'allow', isForAll: true },
    { action: 'deny', isForAll: true },
  ])
})

test('a permission that asks for a token of others is not for all requests', () => {
  const rows = [permissions({ Action: 'allow', HTTP: null, JWT: { Providers: [{ Name: 'okta' }] } })]
  assert.deepEqual(acceptIntentions(null, rows).list[0]!.says, [{ action: 'allow', isForAll: false }])
})

test('an intention that cannot be read denies, and stays as it was where it could be read before', () => {
  const bad = [legacy('web', 'api', 'log')]
  const fresh = acceptIntentions(null, bad)
  assert.deepEqual(fresh.list, [{ source: 'web', destination: 'api', says: 'deny' }])
  assert.match(fresh.problems[0]!.message, /web -> api: Action is "log".*denies until it can be read/)
  const good = acceptIntentions(null, [legacy('web', 'api', 'allow')])
  const kept = acceptIntentions(good, bad)
  assert.equal(kept.list, good.list)
  assert.match(kept.problems[0]!.message, /the last good one stays/)
})

test('what is no intention at all is told and left out', () => {
  for (const row of [
    null,
    7,
    {},
    { SourceName: 'web' },
    { SourceName: '', DestinationName: 'api', Action: 'allow' },
  ]) {
    const { list, problems } = acceptIntentions(null, [row])
    assert.deepEqual([list, problems[0]?.code], [[], 'INTENTION_INVALID'])
  }
})

test('callers of other clusters have no identity here: their intentions are told by name and left out', () => {
  for (const place of [{ SourcePeer: 'east' }, { SourceSamenessGroup: 'east' }, { SourceNS: 'east' }]) {
    const { list, problems } = acceptIntentions(null, [entry({ Action: 'allow', ...place })])
    assert.deepEqual(list, [])
    assert.match(problems[0]!.message, /web -> api: callers of the .* east cannot be told/)
  }
})

test('the same intentions are the same list', () => {
  const rows = [legacy('web', 'api', 'allow'), legacy('db', 'api', 'deny')]
  const first = acceptIntentions(null, rows)
  assert.equal(acceptIntentions(first, [...rows].reverse()).list, first.list)
})

import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type DiffOptions, diff } from '../../../operator/core/diff.ts'
import { type Entity, type KongState, keyOf } from '../../../operator/core/entity.ts'
import { pinField, pinnableFields, releaseOverrides } from '../../../operator/core/release-override.ts'
import { overriddenOf, sinceOf } from '../../../operator/core/tags.ts'
import { applied, applyAll, desire, edit, instance, KEEP, named } from './build-mesh.ts'

const { state: wanted } = desire({ web: [instance(1), instance(2)] })
const inKong = applied(wanted)
const service = (state: KongState) => named(state, 'service', 'mesh.web')!
const edited = edit(inKong, service(inKong), { read_timeout: 5 })
const at = (nowMs: number, ttlMs = 60_000): DiffOptions => ({ ...KEEP, age: { nowMs, ttlMs: () => ttlMs } })
const readTimeout = (state: KongState) => service(state).fields.read_timeout
const withTags = (state: KongState, entity: Entity, tags: readonly string[]): KongState =>
  new Map(state).set(keyOf(entity), { ...entity, tags })
const settle = (state: KongState, options: DiffOptions) => applyAll(state, diff(state, wanted, options))

test('an override is dated when it is noticed, and keeps its date', () => {
  const noticed = settle(edited, at(100_000))
  deepEqual([...sinceOf(service(noticed).tags)], [['read_timeout', 100_000]])
  const later = diff(noticed, wanted, at(130_000))
  deepEqual([later.changes, later.overrides[0]?.sinceMs], [[], 100_000])
})

test('an override expires when its time is over, and Consul has the field again', () => {
  const noticed = settle(edited, at(100_000))
  equal(diff(noticed, wanted, at(159_999)).changes.length, 0)
  const expired = settle(noticed, at(160_000))
  equal(readTimeout(expired), 60_000)
  deepEqual([...overriddenOf(service(expired).tags), ...sinceOf(service(expired).tags)], [])
  deepEqual(diff(expired, wanted, at(160_001)), { changes: [], overrides: [], conflicts: [] })
})

test('without a time to live an override stays', () => {
  const noticed = settle(edited, at(0, 0))
  deepEqual(diff(noticed, wanted, at(8e12, 0)).changes, [])
})

test('an edit after the expiry is a new override', () => {
  const noticed = settle(edited, at(100_000))
  const again = edit(noticed, service(noticed), { read_timeout: 9 })
  const kept = settle(again, at(200_000))
  equal(readTimeout(kept), 9)
  deepEqual([...sinceOf(service(kept).tags)], [['read_timeout', 200_000]])
})

test('a pin that says no date begins when it is seen', () => {
  const pinned = withTags(inKong, service(inKong), [...service(inKong).tags, 'kongsul.override:read_timeout'])
  const seen = settle(pinned, at(50_000))
  deepEqual([...sinceOf(service(seen).tags)], [['read_timeout', 50_000]])
  deepEqual(diff(seen, wanted, at(60_000)).changes, [])
})

test('a target kept out by hand is an override without an end', () => {
  const target = named(inKong, 'target', '10.0.0.1:80')!
  const kept = withTags(inKong, target, [...target.tags, 'kongsul.override:health'])
  const { changes, overrides } = diff(kept, wanted, at(9e12))
  deepEqual(
    [changes, overrides.map(({ kind, name, field }) => [kind, name, field])],
    [[], [['target', '10.0.0.1:80', 'health']]],
  )
})

test('a released field goes back to Consul, tagged already or not', () => {
  for (const state of [edited, settle(edited, KEEP)]) {
    const { tags, fields } = releaseOverrides(service(state), service(wanted), 'default', null)
    deepEqual(fields, ['read_timeout'])
    const released = withTags(state, service(state), tags)
    equal(readTimeout(settle(released, at(0))), 60_000)
  }
})

test('releasing one field leaves the others', () => {
  const both = settle(edit(edited, service(edited), { retries: 9 }), at(1000))
  const { tags, fields } = releaseOverrides(service(both), service(wanted), 'default', 'retries')
  deepEqual(fields, ['retries'])
  const after = settle(withTags(both, service(both), tags), at(2000))
  deepEqual([readTimeout(after), service(after).fields.retries], [5, 3])
  deepEqual([...sinceOf(service(after).tags)], [['read_timeout', 1000]])
})

test('releasing what is no override changes nothing', () => {
  const { fields } = releaseOverrides(service(inKong), service(wanted), 'default', null)
  deepEqual(fields, [])
})

test('a pinned field is left alone when Consul changes it', () => {
  const tags = pinField(service(inKong), service(wanted), 'default', 'read_timeout', 1000)
  const pinned = withTags(inKong, service(inKong), tags)
  const { state: other } = desire(
    { web: [instance(1), instance(2)] },
    { documents: { 'mesh/services/web': { timeouts: { readMs: 77 } } } },
  )
  const { changes, overrides } = diff(pinned, other, at(2000))
  deepEqual([changes, overrides[0]?.wanted, overrides[0]?.actual], [[], 77, 60_000])
})

test('what can be pinned is what is managed', () => {
  ok(pinnableFields(service(wanted)).includes('read_timeout'))
  ok(!pinnableFields(service(wanted)).includes('tags'))
  deepEqual(pinnableFields(named(wanted, 'target', '10.0.0.1:80')!), ['health', 'name', 'weight'])
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import { type Entity, type Json, type KongState, keyOf } from '../../../operator/core/entity.ts'
import { explainChange, maskedValue } from '../../../operator/core/explain-change.ts'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { overriddenOf } from '../../../operator/core/tags.ts'
import {
  applied,
  applyAll,
  codesOf,
  desire,
  edit,
  foreignRoute,
  instance,
  KEEP,
  named,
  REVERT,
  stateOf,
} from './build-mesh.ts'

const wanted = desire({ web: [instance(1), instance(2)] }).state
const inKong = applied(wanted)
const entityOf = (kind: Entity['kind'], name: string, state: KongState = inKong) => named(state, kind, name)!
const service = entityOf('service', 'mesh.web')
const target = entityOf('target', '10.0.0.1:80')

/** What `timeouts` in KV would make of the mesh. */
const wantedWith = (timeouts: Record<string, number>): KongState =>
  desire({ web: [instance(1), instance(2)] }, { documents: { 'mesh/services/web': { timeouts } } }).state

const withTags = (state: KongState, entity: Entity, tags: readonly string[]): KongState =>
  new Map(state).set(keyOf(entity), { ...entity, tags })

describe('changes', () => {
  test('of Kong that holds what it should: none', () => {
    assert.deepEqual(diff(inKong, wanted, KEEP), { changes: [], overrides: [], conflicts: [] })
  })

  test('name exactly the fields that differ', () => {
    const { changes } = diff(inKong, wantedWith({ readMs: 500 }), KEEP)
    assert.deepEqual(
      changes.map(({ action, entity, fields }) => [action, entity.name, fields]),
      [['update', 'mesh.web', ['read_timeout', 'tags']]],
    )
    assert.equal(changes[0]?.entity.fields.read_timeout, 500)
    assert.equal(changes[0]?.before, service)
  })

  test('keep fields that are not ours and tags of people', () => {
    const theirs = edit(inKong, service, { path: '/base' }, [...service.tags, 'team blue'])
    const after = applyAll(theirs, diff(theirs, wantedWith({ readMs: 500 }), KEEP))
    const changed = entityOf('service', 'mesh.web', after)
    assert.equal(changed.fields.path, '/base')
    assert.ok(changed.tags.includes('team blue'))
  })

  test('remove what Consul no longer has', () => {
    const { changes } = diff(inKong, desire({ web: [instance(1)] }).state, KEEP)
    assert.deepEqual(changes.map(explainChange), ['delete target 10.0.0.2:80'])
  })

  test('create again what somebody deleted', () => {
    const without = new Map(inKong)
    without.delete(keyOf(target))
    assert.deepEqual(diff(without, wanted, KEEP).changes.map(explainChange), [
      'create target 10.0.0.1:80: weight 100',
    ])
  })

  test('do not see another order of a set', () => {
    const route = entityOf('route', 'mesh.web.host')
    const turned = edit(inKong, route, { protocols: ['https', 'http'] })
    assert.deepEqual(diff(turned, wanted, KEEP).changes, [])
  })

  test('do not see a field that Kong has and kongsul does not manage', () => {
    const full = entityFromKong('service', {
      id: service.id,
      name: service.name,
      tags: service.tags,
      ...service.fields,
      path: null,
      port: 80,
    })
    assert.deepEqual(diff(new Map(inKong).set(keyOf(full), full), wanted, KEEP).changes, [])
  })
})

describe('entities that are not ours', () => {
  const foreign = foreignRoute('site', { paths: ['/x'] })

  test('are left alone, wanted or not', () => {
    const state = new Map([...inKong, ...stateOf(foreign)])
    assert.deepEqual(diff(state, wanted, KEEP).changes, [])
    assert.ok(diff(state, new Map(), KEEP).changes.every(({ entity }) => entity !== foreign))
  })

  test('of another mesh are left alone', () => {
    const other = desire({ web: [instance(1)] }, { options: { mesh: 'other' } }).state
    assert.deepEqual(diff(applied(other), new Map(), KEEP).changes, [])
  })

  test('that have the name of ours are a conflict and keep ours and its children out', () => {
    const upstream = entityOf('upstream', 'web.mesh')
    const theirs: Entity = { ...upstream, id: 'theirs', tags: [], owner: '' }
    const { changes, conflicts } = diff(stateOf(theirs), wanted, KEEP)
    assert.deepEqual(codesOf(conflicts), ['NAME_CONFLICT'])
    assert.ok(changes.every(({ entity }) => entity.kind !== 'upstream' && entity.kind !== 'target'))
  })

  test('that are the same target of our upstream are a conflict', () => {
    const theirs: Entity = { ...target, id: 'theirs', tags: [], owner: '' }
    const state = new Map(inKong)
    state.delete(keyOf(target))
    const { changes, conflicts } = diff(state.set(keyOf(theirs), theirs), wanted, KEEP)
    assert.deepEqual([changes, codesOf(conflicts)], [[], ['NAME_CONFLICT']])
  })

  test('with our id but tags of another mesh are a conflict', () => {
    const tags = ['managed-by:kongsul', 'kongsul.mesh:other']
    const { changes, conflicts } = diff(withTags(inKong, service, tags), wantedWith({ readMs: 1 }), KEEP)
    assert.deepEqual([changes, codesOf(conflicts)], [[], ['ID_CONFLICT']])
  })

  test('that use a service of ours keep it, its upstream and themselves when Consul drops it', () => {
    const theirs = foreignRoute('site', { paths: ['/x'], service: { id: service.id } })
    const { changes, conflicts } = diff(new Map([...inKong, ...stateOf(theirs)]), new Map(), KEEP)
    assert.deepEqual(changes.map(({ entity }) => entity.kind).sort(), ['route', 'route', 'target', 'target'])
    assert.deepEqual(codesOf(conflicts), ['ENTITY_IN_USE'])
  })

  test('that hang on a route of ours keep all that leads to it', () => {
    const route = entityOf('route', 'mesh.web.host')
    const theirs = entityFromKong('plugin', {
      id: 'p',
      name: 'cors',
      route: { id: route.id },
      service: null,
      tags: null,
    })
    const { changes } = diff(new Map([...inKong, ...stateOf(theirs)]), new Map(), KEEP)
    assert.deepEqual(
      changes.map(({ entity }) => entity.name),
      ['mesh.web.path', '10.0.0.1:80', '10.0.0.2:80'],
    )
  })
})

describe('a field that somebody edited', () => {
  const edited = edit(inKong, service, { read_timeout: 7_000 })

  test('is kept, tagged and reported', () => {
    const { changes, overrides } = diff(edited, wanted, KEEP)
    assert.deepEqual(
      changes.map(({ fields }) => fields),
      [['tags']],
    )
    assert.deepEqual(overrides, [
      {
        service: 'web',
        kind: 'service',
        id: service.id,
        name: 'mesh.web',
        field: 'read_timeout',
        wanted: 60_000,
        actual: 7_000,
      },
    ])
  })

  test('stays kept, and the next diff has nothing to do', () => {
    const after = applyAll(edited, diff(edited, wanted, KEEP))
    const { changes, overrides } = diff(after, wanted, KEEP)
    assert.deepEqual([changes, overrides.length], [[], 1])
  })

  test('stays theirs when Consul says something new, and the other fields go on being managed', () => {
    const tagged = applyAll(edited, diff(edited, wanted, KEEP))
    const after = applyAll(tagged, diff(tagged, wantedWith({ readMs: 1, connectMs: 2 }), KEEP))
    const { fields } = entityOf('service', 'mesh.web', after)
    assert.deepEqual([fields.read_timeout, fields.connect_timeout], [7_000, 2])
  })

  test('is theirs even when Consul changed in between', () => {
    const { overrides } = diff(edited, wantedWith({ readMs: 1 }), KEEP)
    assert.deepEqual(
      overrides.map(({ wanted: want, actual }) => [want, actual]),
      [[1, 7_000]],
    )
  })

  test('is given back when its tag is taken away', () => {
    const tagged = applyAll(edited, diff(edited, wanted, KEEP))
    const theirs = entityOf('service', 'mesh.web', tagged)
    const released = withTags(
      tagged,
      theirs,
      theirs.tags.filter((tag) => !tag.startsWith('kongsul.override:')),
    )
    const { changes, overrides } = diff(released, wanted, KEEP)
    assert.deepEqual([changes[0]?.fields, overrides], [['read_timeout', 'tags'], []])
  })

  test('edited again stays one override', () => {
    const tagged = applyAll(edited, diff(edited, wanted, KEEP))
    const again = edit(tagged, entityOf('service', 'mesh.web', tagged), { read_timeout: 8_000 })
    const after = applyAll(again, diff(again, wanted, KEEP))
    assert.equal(entityOf('service', 'mesh.web', after).fields.read_timeout, 8_000)
    assert.deepEqual(diff(after, wanted, KEEP).changes, [])
  })

  test('edited to what Consul says is no override', () => {
    const same = edit(inKong, service, { read_timeout: 500 })
    const { changes, overrides } = diff(same, wantedWith({ readMs: 500 }), KEEP)
    assert.deepEqual([changes.map(({ fields }) => fields), overrides], [[['tags']], []])
  })

  test('is undone with policy revert', () => {
    const { changes, overrides } = diff(edited, wanted, REVERT)
    assert.deepEqual([changes[0]?.fields, overrides], [['read_timeout'], []])
    assert.deepEqual(applyAll(edited, { changes }), inKong)
  })

  test('is undone with policy revert though it was kept before', () => {
    const tagged = applyAll(edited, diff(edited, wanted, KEEP))
    assert.deepEqual(applyAll(tagged, diff(tagged, wanted, REVERT)), inKong)
  })

  test('follows the policy of its own service', () => {
    const policy = (name: string) => (name === 'web' ? 'revert' : 'keep')
    assert.deepEqual(diff(edited, wanted, { mesh: 'default', policy }).overrides, [])
  })

  test('may be the name', () => {
    const renamed = new Map(inKong).set(keyOf(service), { ...service, name: 'shop' })
    assert.deepEqual(
      diff(renamed, wanted, KEEP).overrides.map(({ field, actual }) => [field, actual]),
      [['name', 'shop']],
    )
    assert.equal(
      entityOf('service', 'mesh.web', applyAll(renamed, diff(renamed, wanted, REVERT))).id,
      service.id,
    )
  })
})

describe('a field pinned before it is edited', () => {
  const pinned = withTags(inKong, target, [...target.tags, 'kongsul.override:weight'])

  test('is listed and not written', () => {
    const { changes, overrides } = diff(pinned, wanted, KEEP)
    assert.deepEqual([changes, overrides.map(({ field }) => field)], [[], ['weight']])
  })

  test('keeps its value when Consul changes', () => {
    const weighted = desire(
      { web: [instance(1), instance(2)] },
      { documents: { 'mesh/services/web': { loadBalancing: { strategy: 'weighted' } } } },
    ).state
    const after = applyAll(pinned, diff(pinned, weighted, KEEP))
    assert.equal(entityOf('target', '10.0.0.1:80', after).fields.weight, 100)
    assert.equal(entityOf('target', '10.0.0.2:80', after).fields.weight, 1)
  })

  test('a target kept out by hand stays so, whatever the policy', () => {
    const kept = withTags(inKong, target, [...target.tags, 'kongsul.override:health'])
    for (const options of [KEEP, REVERT]) {
      const after = applyAll(kept, diff(kept, wanted, options))
      assert.deepEqual([...overriddenOf(entityOf('target', '10.0.0.1:80', after).tags)], ['health'])
    }
  })
})

describe('an entity whose tags a PUT dropped', () => {
  const bare = new Map(inKong).set(keyOf(service), {
    ...service,
    tags: [],
    owner: '',
    fields: { ...service.fields, retries: 9 },
  })

  test('is still ours: its tags come back and what differs is an override', () => {
    const { changes, overrides, conflicts } = diff(bare, wanted, KEEP)
    assert.deepEqual([changes.map(({ fields }) => fields), conflicts], [[['tags']], []])
    assert.deepEqual(
      overrides.map(({ field, actual }) => [field, actual]),
      [['retries', 9]],
    )
    const after = applyAll(bare, { changes })
    assert.equal(entityOf('service', 'mesh.web', after).owner, 'web')
    assert.deepEqual(diff(after, wanted, KEEP).changes, [])
  })

  test('is put right with policy revert', () => {
    assert.deepEqual(applyAll(bare, diff(bare, wanted, REVERT)), inKong)
  })

  test('is not removed when Consul drops it: nothing says that it is ours', () => {
    const { changes } = diff(bare, new Map(), KEEP)
    assert.ok(changes.every(({ entity }) => entity.id !== service.id))
  })
})

describe('a field that was not managed before', () => {
  const upstream = entityOf('upstream', 'web.mesh')
  const older = (value: Json): KongState => {
    const tags = upstream.tags.map((tag) => tag.replace(/hash_fallback=[0-9a-f]{8};/, ''))
    return edit(inKong, upstream, { hash_fallback: value }, tags)
  }
  const hashed = desire(
    { web: [instance(1), instance(2)] },
    { documents: { 'mesh/services/web': { loadBalancing: { strategy: 'random' } } } },
  ).state

  test("is written where it has Kong's own default", () => {
    assert.ok(
      diff(older('none'), hashed, KEEP).changes.some(({ fields }) => fields.includes('hash_fallback')),
    )
  })

  test('is somebody else’s where it has anything else', () => {
    assert.deepEqual(
      diff(older('consumer'), hashed, KEEP).overrides.map(({ field }) => field),
      ['hash_fallback'],
    )
  })
})

describe('the balancing of an upstream, which Kong changes as one', () => {
  const upstream = entityOf('upstream', 'web.mesh')
  const theirs = edit(inKong, upstream, { algorithm: 'latency' })
  const hashed = desire(
    { web: [instance(1), instance(2)] },
    { documents: { 'mesh/services/web': { loadBalancing: { strategy: 'ip_hash' } } } },
  ).state

  test('is left alone as a whole once somebody has a part of it', () => {
    const after = applyAll(theirs, diff(theirs, hashed, KEEP))
    const { fields } = entityOf('upstream', 'web.mesh', after)
    assert.deepEqual([fields.algorithm, fields.hash_on], ['latency', 'none'])
    assert.deepEqual(diff(after, hashed, KEEP).changes, [])
  })

  test('is ours again as a whole when the override is released', () => {
    const kept = applyAll(theirs, diff(theirs, hashed, KEEP))
    const entity = entityOf('upstream', 'web.mesh', kept)
    const released = withTags(
      kept,
      entity,
      entity.tags.filter((tag) => !tag.startsWith('kongsul.override:')),
    )
    const { fields } = entityOf('upstream', 'web.mesh', applyAll(released, diff(released, hashed, KEEP)))
    assert.deepEqual([fields.algorithm, fields.hash_on], ['consistent-hashing', 'ip'])
  })
})

describe('a change in words', () => {
  test('says what becomes what', () => {
    const [change] = diff(inKong, wantedWith({ readMs: 500 }), KEEP).changes
    assert.equal(explainChange(change!), 'update service mesh.web: read_timeout 60000 -> 500, tags')
  })

  test('never shows what may be a secret', () => {
    assert.equal(maskedValue('plugin', 'config.redis.password', 'x'), '[redacted]')
    assert.equal(maskedValue('service', 'host', 'x'), 'x')
  })
})

import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { changedServices, indexByOwner, indexDesired } from '../../../operator/sync/desired-index.ts'
import { desire, instance } from '../core/build-mesh.ts'

const NOTHING = indexByOwner(new Map())

test('entities decided for a service are those that bear its name', () => {
  const decided = desire({ web: [instance(1), instance(2)], api: [instance(3)] })
  const groups = indexDesired(decided, NOTHING).groups
  for (const [service, group] of indexByOwner(decided.state).groups) deepEqual(groups.get(service), group)
  deepEqual([...groups.keys()].sort(), ['api', 'web'])
})

test('what is decided anew to the same is the same list, and no change', () => {
  const mesh = () => desire({ web: [instance(1)], api: [instance(3)] })
  const before = indexDesired(mesh(), NOTHING)
  const after = indexDesired(mesh(), before)
  equal(after.groups.get('web'), before.groups.get('web'))
  deepEqual(changedServices(before, after), [])
})

test('a service that changed, one that came and one that went are named', () => {
  const before = indexDesired(desire({ web: [instance(1)], gone: [instance(2)] }), NOTHING)
  const after = indexDesired(desire({ web: [instance(4)], come: [instance(3)] }), before)
  notEqual(after.groups.get('web'), before.groups.get('web'))
  deepEqual([...changedServices(before, after)].sort(), ['come', 'gone', 'web'])
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import { explainChange } from '../../../operator/core/explain-change.ts'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { levelOf, orderChanges } from '../../../operator/core/plan-order.ts'
import { applied, desire, instance, KEEP, withCheck } from './build-mesh.ts'

const steps = (...args: Parameters<typeof diff>): string[][] =>
  orderChanges(diff(...args).changes).map((step) =>
    step.map((change) => `${change.action} ${change.entity.kind} ${change.entity.name}`).sort(),
  )

const both = desire({ web: [instance(1), instance(2)] }).state

describe('the order of changes', () => {
  test('builds a service from the bottom up', () => {
    assert.deepEqual(steps(new Map(), desire({ web: [instance(1)] }).state, KEEP), [
      ['create service mesh.web', 'create upstream web.mesh'],
      ['create target 10.0.0.1:80'],
      ['create route mesh.web.host', 'create route mesh.web.path'],
    ])
  })

  test('takes it down from the top', () => {
    assert.deepEqual(steps(applied(desire({ web: [instance(1)] }).state), new Map(), KEEP), [
      ['delete route mesh.web.host', 'delete route mesh.web.path'],
      ['delete service mesh.web'],
      ['delete target 10.0.0.1:80'],
      ['delete upstream web.mesh'],
    ])
  })

  test('adds a target before it empties one and removes another', () => {
    const next = desire({ web: [withCheck(1, 'critical'), instance(3)] }).state
    assert.deepEqual(steps(applied(both), next, KEEP), [
      ['create target 10.0.0.3:80'],
      ['update target 10.0.0.1:80'],
      ['delete target 10.0.0.2:80'],
    ])
  })

  test('removes a target before it touches routes, which Kong may refuse', () => {
    const documents = { 'mesh/services/web': { routing: { paths: ['/shop'] } } }
    const next = desire({ web: [instance(1)] }, { documents }).state
    assert.deepEqual(steps(applied(both), next, KEEP), [
      ['delete target 10.0.0.2:80'],
      ['update route mesh.web.path'],
    ])
  })

  test('removes routes before the targets of an upstream that stays for somebody else', () => {
    const { state } = desire({ web: [instance(1)] })
    const service = [...state.values()].find(({ kind }) => kind === 'service')!
    const theirs = entityFromKong('route', {
      id: 'theirs',
      name: 'theirs',
      tags: null,
      service: { id: service.id },
    })
    const before = new Map([...applied(state), ['route/theirs', theirs] as const])
    assert.deepEqual(steps(before, new Map(), KEEP), [
      ['delete route mesh.web.host', 'delete route mesh.web.path'],
      ['delete target 10.0.0.1:80'],
    ])
  })

  test('has no step that is empty', () => {
    const next = desire({ web: [instance(1), withCheck(2, 'critical')] }).state
    assert.deepEqual(steps(applied(both), next, KEEP), [['update target 10.0.0.2:80']])
    assert.deepEqual(orderChanges([]), [])
  })

  test('gives a host to its new route before it leaves the old one', () => {
    const hosts = (web: string[], api: string[]) => ({
      documents: {
        'mesh/services/web': { routing: { hosts: web } },
        'mesh/services/api': { routing: { hosts: api } },
      },
    })
    const all = { web: [instance(1)], api: [instance(2)] }
    const before = applied(desire(all, hosts(['a.test', 'b.test'], ['c.test'])).state)
    const { changes } = diff(before, desire(all, hosts(['a.test'], ['b.test', 'c.test'])).state, KEEP)
    assert.deepEqual(
      orderChanges(changes).map((step) => step.map((change) => change.service)),
      [['api'], ['web']],
    )
  })

  test('puts a plugin of a route behind the route', () => {
    const route = { id: 'r' }
    const plugin = entityFromKong('plugin', { id: 'p', name: 'cors', route, service: null, tags: null })
    const change = { action: 'create', entity: plugin, before: null, fields: [], service: 'web' } as const
    assert.equal(levelOf(change), 'plugins of routes')
    assert.equal(
      levelOf({ ...change, entity: { ...plugin, fields: { route: null } } }),
      'targets and plugins',
    )
  })

  test('is told in words that start with what is done', () => {
    const [first] = orderChanges(diff(new Map(), both, KEEP).changes)[1]!
    assert.equal(explainChange(first!), 'create target 10.0.0.1:80: weight 100')
  })
})

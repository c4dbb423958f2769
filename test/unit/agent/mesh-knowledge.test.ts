import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceView } from '../../../operator/core/mesh-view.ts'
import { MeshKnowledge } from '../../../plugins/agent/mesh-knowledge.ts'
import type { Outcome } from '../../../plugins/outcomes/outcome.ts'

const view = (service: string, over: Partial<ServiceView> = {}): ServiceView => ({
  service,
  serviceId: `id-${service}`,
  upstream: `${service}.mesh`,
  upstreamId: `u-${service}`,
  routes: [{ id: `r-${service}`, name: service, hosts: [`${service}.mesh`], paths: [] }],
  instances: [{ target: '10.0.0.1:80', id: 'one', health: 'degraded' }],
  mode: 'auto',
  ejections: [],
  ...over,
})
const told = (services: ServiceView[], over: object = {}) => ({
  index: 1,
  full: false,
  services,
  removed: [],
  ...over,
})

test('a service is found by its id and by that of its route', () => {
  const mesh = new MeshKnowledge('n1')
  deepEqual(mesh.update(told([view('web')])), new Set(['id-web']))
  equal(mesh.service('id-web'), 'web')
  equal(mesh.route('r-web')?.name, 'web')
  const { upstream, health } = mesh.surroundings('r-web', null)!
  deepEqual([upstream, [...health]], ['web.mesh', [['10.0.0.1:80', 'degraded']]])
  equal(mesh.surroundings('nobody', null), null)
})

test('what is removed or routed no more is forgotten', () => {
  const mesh = new MeshKnowledge('n1')
  mesh.update(told([view('web'), view('api')]))
  mesh.update(told([view('web', { routes: [] })], { removed: ['id-api'] }))
  deepEqual([mesh.size, mesh.service('id-api'), mesh.route('r-web')], [1, undefined, undefined])
})

test('a full answer replaces everything, and any circuit may be concerned', () => {
  const mesh = new MeshKnowledge('n1')
  mesh.update(told([view('web')]))
  equal(mesh.update(told([view('api')], { full: true })), null)
  deepEqual([mesh.service('id-web'), mesh.route('r-web'), mesh.size], [undefined, undefined, 1])
})

test('only ejections of this node are its own', () => {
  const mesh = new MeshKnowledge('n1')
  const ejections = ['n1', 'n2'].map((owner, i) => ({ target: `10.0.0.${i}:80`, untilMs: 7, owner }))
  mesh.update(told([view('web', { ejections })]))
  deepEqual([...mesh.surroundings('id-web', null)!.ejectedUntilMs], [['10.0.0.0:80', 7]])
})

test('what other nodes have ejected is out here as well, unless they have marks of their own', () => {
  const mesh = new MeshKnowledge('n2')
  const ejections = ['n1', 'n2', 'n3', 'n4'].map((owner, i) => {
    const ejection = { target: `10.0.0.${i}:80`, untilMs: 7, owner }
    return owner === 'n4' ? { ...ejection, isOwnMark: true as const } : ejection
  })
  mesh.update(told([view('web', { ejections })]))
  deepEqual(
    [...mesh.surroundings('id-web', null)!.outElsewhere],
    [
      ['10.0.0.0:80', 'precedes'],
      ['10.0.0.2:80', 'yields'],
    ],
  )
})

test('an ejection in force is known whoever decided it, and no more when its record is gone', () => {
  const mesh = new MeshKnowledge('n1')
  const split = { ...view('split', { upstream: '_split.web.mesh' }), serviceId: null }
  const ejections = [{ target: '10.0.0.1:80', untilMs: 7, owner: 'n2' }]
  mesh.update(told([view('web', { ejections }), view('api', { more: [{ ...split, ejections }] })]))
  const known = (upstream: string, nowMs: number) => mesh.isEjected(upstream, '10.0.0.1:80', nowMs)
  deepEqual([known('web.mesh', 6), known('_split.web.mesh', 6), known('api.mesh', 6)], [true, true, false])
  equal(known('web.mesh', 7), false)
  mesh.update(told([view('web')]))
  deepEqual([known('web.mesh', 6), known('_split.web.mesh', 6)], [false, true])
})

test('an operator of a version that tells of no ejections is understood', () => {
  const mesh = new MeshKnowledge('n1')
  const { ejections: _, ...old } = view('web')
  mesh.update(told([old as ServiceView]))
  equal(mesh.isEjected('web.mesh', '10.0.0.1:80', 0), false)
  equal(mesh.surroundings('id-web', null)!.ejectedUntilMs.size, 0)
})

test('an outcome without a route gets that of its service, one with a route keeps it', () => {
  const mesh = new MeshKnowledge('n1')
  mesh.update(told([view('web')]))
  const outcome = { serviceId: 'id-web', routeId: null, host: 'web.mesh', path: '/' } as Outcome
  equal(mesh.completed(outcome).routeId, 'r-web')
  const known = { ...outcome, routeId: 'r1' }
  equal(mesh.completed(known), known)
  const foreign = { ...outcome, serviceId: 'other' }
  equal(mesh.completed(foreign), foreign)
})

test('a Kong service of a route is found as the service, with the upstream that it leads to', () => {
  const mesh = new MeshKnowledge('n1')
  const [one, two] = ['one', 'two'].map((id, i) => ({
    target: `10.0.0.${i}:80`,
    id,
    health: 'healthy' as const,
  }))
  const more = { ...view('web'), serviceId: 'id-v2', upstream: 'v2.web.mesh', instances: [one!] }
  deepEqual(
    mesh.update(told([view('web', { instances: [one!, two!], more: [more] })])),
    new Set(['id-web', 'id-v2']),
  )
  deepEqual([mesh.service('id-v2'), mesh.size], ['web', 1])
  equal(mesh.surroundings('id-v2', 'id-v2')!.upstream, 'v2.web.mesh')
  const upstreams = (target: string, from: string) =>
    mesh.elsewhere(from, target).map(({ upstream }) => upstream)
  deepEqual(upstreams(one!.target, 'web.mesh'), ['v2.web.mesh'])
  deepEqual(upstreams(one!.target, 'v2.web.mesh'), ['web.mesh'])
  deepEqual(upstreams(two!.target, 'web.mesh'), [])
  mesh.update(told([view('web', { instances: [one!] })]))
  deepEqual([mesh.service('id-v2'), upstreams(one!.target, 'web.mesh')], [undefined, []])
})

test('another service at the same address is another instance, and who tells of an upstream last is not its only one', () => {
  const mesh = new MeshKnowledge('n1')
  const instance = (id: string) => [{ target: '10.0.0.1:80', id, health: 'healthy' as const }]
  const shared = { ...view('web'), serviceId: null, upstream: 'v2.web.mesh', instances: instance('web-1') }
  mesh.update(
    told([
      view('web', { instances: instance('web-1'), more: [shared] }),
      view('front', { instances: [], more: [{ ...shared, serviceId: 'id-front-v2' }] }),
      view('other', { instances: instance('other-1') }),
    ]),
  )
  deepEqual(mesh.elsewhere('other.mesh', '10.0.0.1:80'), [])
  mesh.update(told([], { removed: ['id-front'] }))
  deepEqual(
    mesh.elsewhere('web.mesh', '10.0.0.1:80').map(({ upstream }) => upstream),
    ['v2.web.mesh'],
  )
})

test('an address of a host name is the same instance in every upstream, and its ejections are its own', () => {
  const mesh = new MeshKnowledge('n1')
  const instances = [{ target: 'web.test:80', id: 'web-1', health: 'healthy' as const }]
  const ejections = [{ target: 'web.test:80@10.0.0.2:80', untilMs: 7, owner: 'n1' }]
  const more = [{ ...view('web'), serviceId: 'id-v2', upstream: 'v2.web.mesh', instances, ejections: [] }]
  mesh.update(told([view('web', { instances, more, ejections })]))
  deepEqual([...mesh.hostUpstreams()], ['v2.web.mesh'], 'one of them is enough')
  const { services, gone } = mesh.setAddresses(new Map([['web.test:80', ['10.0.0.1:80', '10.0.0.2:80']]]))
  deepEqual([...services].sort(), ['id-v2', 'id-web'])
  deepEqual(
    gone.map(({ upstream, instance }) => `${upstream} ${instance}`),
    ['web.mesh web.test:80', 'v2.web.mesh web.test:80'],
  )
  const key = 'web.test:80@10.0.0.2:80'
  deepEqual(
    mesh.elsewhere('web.mesh', key).map(({ upstream, health }) => [upstream, health.size]),
    [['v2.web.mesh', 2]],
  )
  deepEqual([...mesh.surroundings('id-web', null)!.ejectedUntilMs], [[key, 7]])
  deepEqual([mesh.addressesOf(key), mesh.addressesOf('10.0.0.1:80')], [2, 0])
  equal(mesh.setAddresses(new Map([['web.test:80', ['10.0.0.1:80', '10.0.0.2:80']]])).services.size, 0)
  // A change of the mesh keeps what is known of the name.
  mesh.update(told([view('web', { instances })]))
  equal(mesh.surroundings('id-web', null)!.health.size, 2)
  mesh.update(told([], { removed: ['id-web'] }))
  mesh.update(told([view('web', { instances })]))
  deepEqual([...mesh.surroundings('id-web', null)!.health.keys()], ['web.test:80'])
})

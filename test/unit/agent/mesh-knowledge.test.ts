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

test('an operator of a version that tells of no ejections is understood', () => {
  const mesh = new MeshKnowledge('n1')
  const { ejections: _, ...old } = view('web')
  mesh.update(told([old as ServiceView]))
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

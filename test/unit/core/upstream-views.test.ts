import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { Ejection } from '../../../operator/core/ejections.ts'
import type { Entity } from '../../../operator/core/entity.ts'
import { type ViewedService, viewOf } from '../../../operator/core/mesh-view.ts'
import { withUpstreams } from '../../../operator/core/upstream-views.ts'

const A = '10.0.0.1:80'
const B = '10.0.0.2:80'
const C = '10.0.0.3:80'

const entity = (kind: Entity['kind'], name: string, more: Partial<Entity> = {}): Entity => ({
  ...{ kind, name, id: `${kind[0]}-${name}`, parent: '', owner: 'web', tags: [], fields: {} },
  ...more,
})
const upstream = (name: string, weights: Record<string, number>): Entity[] => [
  entity('upstream', name),
  ...Object.entries(weights).map(([target, weight]) =>
    entity('target', target, { parent: `u-${name}`, fields: { weight } }),
  ),
]
const kongService = (name: string, host: string) => entity('service', name, { fields: { host } })
const service = (name: string, entities: Entity[], targets: string[]): ViewedService => ({
  service: name,
  entities,
  instances: targets.map((target) => ({ target, id: `${name}-${target}`, health: 'healthy' })),
  mode: 'auto',
})
const ejection = (name: string, target: string): Ejection => ({
  ...{ upstream: name, target, untilMs: 7, sinceMs: null, reason: '', owner: 'n1' },
})
const targets = (of: { instances: readonly { target: string }[] } | undefined) =>
  of?.instances.map(({ target }) => target)

const plain = service(
  'web',
  [kongService('mesh.web', 'web.mesh'), ...upstream('web.mesh', { [A]: 1, [B]: 0 })],
  [A, B],
)

test('a service with one upstream of its own instances stays the same object, and is told as it is', () => {
  const [same] = withUpstreams([plain], [])
  equal(same, plain)
  const view = viewOf(plain)!
  deepEqual(
    [view.upstream, view.serviceId, targets(view), view.more],
    ['web.mesh', 's-mesh.web', [A, B], undefined],
  )
})

test('what is ejected of an upstream is told with it', () => {
  const [web] = withUpstreams([plain], [ejection('web.mesh', A), ejection('api.mesh', B)])
  deepEqual(viewOf(web!)!.ejections, [{ target: A, untilMs: 7, owner: 'n1' }])
})

test('a splitter is told with the instances of its legs, whoever has them', () => {
  const shop = service(
    'shop',
    [kongService('mesh.shop', '_split.shop.mesh'), ...upstream('_split.shop.mesh', { [A]: 5, [C]: 5 })],
    [],
  )
  const lone = service(
    'lone',
    [kongService('mesh.lone', 'lone.mesh'), ...upstream('lone.mesh', { [C]: 1 })],
    [C],
  )
  const view = viewOf(withUpstreams([plain, lone, shop], [])[2]!)!
  deepEqual([view.upstream, targets(view)], ['_split.shop.mesh', [A, C]])
  deepEqual(view.instances[1], { target: C, id: `lone-${C}`, health: 'healthy' })
})

test('who stands by for others with weight 0 is none of those that answer', () => {
  const lone = service(
    'lone',
    [kongService('mesh.lone', 'lone.mesh'), ...upstream('lone.mesh', { [C]: 1, [A]: 0 })],
    [C],
  )
  deepEqual(targets(viewOf(withUpstreams([plain, lone], [])[1]!)!), [C])
})

test('routes of a service-router lead to upstreams of their own, each told with its Kong service and instances', () => {
  const front = service(
    'front',
    [
      kongService('mesh.front.v2.web', 'v2.web.mesh'),
      kongService('mesh.front', 'front.mesh'),
      ...upstream('front.mesh', { [C]: 1 }),
    ],
    [C],
  )
  const web = { ...plain, entities: [...plain.entities, ...upstream('v2.web.mesh', { [B]: 1 })] }
  const views = withUpstreams([front, web], [ejection('v2.web.mesh', B)]).map((each) => viewOf(each)!)
  const [more] = views[0]!.more!
  deepEqual([views[0]!.upstream, views[0]!.serviceId], ['front.mesh', 's-mesh.front'])
  deepEqual([more!.upstream, more!.serviceId, targets(more)], ['v2.web.mesh', 's-mesh.front.v2.web', [B]])
  deepEqual(
    more!.ejections.map(({ target }) => target),
    [B],
  )
  deepEqual([views[1]!.more![0]!.upstream, views[1]!.more![0]!.serviceId], ['v2.web.mesh', null])
})

test('a service that leads to the upstream of another one is told with that one', () => {
  const old = service('old', [kongService('mesh.old', 'web.mesh')], [])
  const view = viewOf(withUpstreams([plain, old], [])[1]!)!
  deepEqual([view.upstream, view.serviceId, targets(view)], ['web.mesh', 's-mesh.old', [A, B]])
})

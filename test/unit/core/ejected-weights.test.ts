import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { withoutEjected } from '../../../operator/core/ejected-weights.ts'
import type { Ejection } from '../../../operator/core/ejections.ts'
import { desire, instance, weightsOf } from './build-mesh.ts'

const ejected = (upstream: string, target: string): Ejection => ({
  upstream,
  target,
  untilMs: 1,
  sinceMs: null,
  reason: '',
  owner: 'node-a',
})
const mesh = desire({ web: [instance(1), instance(2)], api: [instance(1)] })
const web = ejected('web.mesh', '10.0.0.1:80')

test('what is ejected weighs nothing, in its own upstream alone', () => {
  const { state, groups } = withoutEjected(mesh, [web], 'default')
  deepEqual(weightsOf(state), { '10.0.0.1:80': 0, '10.0.0.2:80': 100 })
  deepEqual(weightsOf(state, 'api'), { '10.0.0.1:80': 100 })
  deepEqual(weightsOf(new Map(groups.get('web')!.map((each) => [each.id, each]))), weightsOf(state))
  equal(groups.get('api'), mesh.groups.get('api'))
})

test('reports have the weight that Kong is to have, so that nobody takes it for late', () => {
  const weights = (ejections: readonly Ejection[]) =>
    withoutEjected(mesh, ejections, 'default').services.map(({ service, instances }) => [
      service,
      instances.map(({ health, weight }) => `${health} ${weight}`),
    ])
  deepEqual(weights([web]), [
    ['api', ['healthy 100']],
    ['web', ['healthy 0', 'healthy 100']],
  ])
  // In another upstream the same instance has its weight.
  deepEqual(weights([ejected('canary.web.mesh', '10.0.0.1:80')]), weights([]))
})

test('where nothing that is there is ejected the answer is the same', () => {
  equal(withoutEjected(mesh, [], 'default'), mesh)
  const gone = [ejected('web.mesh', '10.0.0.9:80'), ejected('gone.mesh', '10.0.0.1:80')]
  equal(withoutEjected(mesh, gone, 'default'), mesh)
  equal(withoutEjected(mesh, [web], 'other'), mesh)
})

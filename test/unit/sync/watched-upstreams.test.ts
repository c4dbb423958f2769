import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { indexByOwner } from '../../../operator/sync/desired-index.ts'
import {
  unansweredBy,
  upstreamsByInstance,
  watchedAfter,
  watchedUpstreams,
} from '../../../operator/sync/watched-upstreams.ts'
import { desire, instance } from '../core/build-mesh.ts'

const watched = (document: object): string[] => {
  const { state } = desire({ web: [instance(1)] }, { documents: { 'mesh/services/web': document } })
  return [...watchedUpstreams(indexByOwner(state)).values()].flatMap(({ targets }) => [...targets.keys()])
}

test('targets whose marks nobody else takes back are watched', () => {
  deepEqual(watched({}), ['10.0.0.1:80'])
})

test('marks are left to the active checks where a service has them: they put back what answers again', () => {
  deepEqual(watched({ healthChecks: { active: true } }), [])
})

test('after a change it is what looking at everything anew would find', () => {
  const indexOf = (mesh: Parameters<typeof desire>[0]) => indexByOwner(desire(mesh).state)
  const before = indexOf({ web: [instance(1)], api: [instance(2)], gone: [instance(3)] })
  const after = indexOf({ web: [instance(1), instance(4)], api: [instance(2)], fresh: [instance(5)] })
  const found = watchedAfter(watchedUpstreams(before), before, after, ['web', 'gone', 'fresh'])
  deepEqual(new Map([...found].sort()), new Map([...watchedUpstreams(after)].sort()))
})

test('an instance is found in every upstream that it is in', () => {
  const { state } = desire({ web: [instance(1), instance(2)], api: [instance(1)] })
  const all = watchedUpstreams(indexByOwner(state))
  const found = upstreamsByInstance(all)
  const names = (id: string) => (found.get(id) ?? []).map((each) => all.get(each)!.name).sort()
  deepEqual(
    [names('10.0.0.1:80'), names('10.0.0.2:80'), names('x:1')],
    [['api.mesh', 'web.mesh'], ['web.mesh'], []],
  )
})

test('an instance gave no answer where another was asked, or the client got what it did not say', () => {
  const of = (status: number, ...statuses: readonly (number | string)[]) =>
    unansweredBy({ status, tries: statuses.map((each, i) => ({ instance: `i${i}`, status: each, ms: 1 })) })
  deepEqual(of(200, 200), [])
  deepEqual(of(500, 500), [])
  deepEqual(of(499, 499), [])
  deepEqual(of(200, 502, 200), ['i0'])
  deepEqual(of(502, 'connect_error'), ['i0'])
  deepEqual(of(504, 'timeout', 'timeout'), ['i0', 'i1'])
  // The connection ended, the instance was marked, and Kong had nobody left to ask.
  deepEqual(of(503, 502), ['i0'])
  deepEqual(of(503), [])
})

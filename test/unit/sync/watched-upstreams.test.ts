import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { indexByOwner } from '../../../operator/sync/desired-index.ts'
import { watchedAfter, watchedUpstreams } from '../../../operator/sync/watched-upstreams.ts'
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

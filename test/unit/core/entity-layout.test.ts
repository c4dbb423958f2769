import { equal } from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInThisContext } from 'node:vm'
import { entityFromKong } from '../../../operator/core/kong-json.ts'
import { desire, instance } from './build-mesh.ts'

setFlagsFromString('--allow-natives-syntax')
/** Do V8's objects of these two share one table of their keys? */
const isOneLayout = runInThisContext('(left, right) => %HaveSameMap(left, right)') as (
  left: object,
  right: object,
) => boolean

test('all that is wanted, and all that Kong has, is of one layout: one of its own takes more memory than the entity', () => {
  const { state } = desire({ web: [instance(1)], shop: [instance(2), instance(3)] })
  const read = entityFromKong('service', { id: 'x', name: 'theirs', tags: null })
  for (const entity of state.values()) equal(isOneLayout(entity, read), true, `${entity.kind} ${entity.name}`)
})

test('so are the fields of the same plugin of two services', () => {
  const { state } = desire(
    { web: [instance(1)], shop: [instance(2)] },
    { options: { plugins: ['mesh-circuit-breaker'] } },
  )
  const [one, other] = [...state.values()].filter(({ kind }) => kind === 'plugin')
  equal(isOneLayout(one!.fields, other!.fields), true)
})

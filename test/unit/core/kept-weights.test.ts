import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diff } from '../../../operator/core/diff.ts'
import type { KongState } from '../../../operator/core/entity.ts'
import { applied, desire, edit, instance, KEEP, withCheck } from './build-mesh.ts'

const healthy = applied(desire({ web: [instance(1)] }).state)

const target = [...healthy.values()].find(({ kind }) => kind === 'target')!

const critical = (actual: KongState) =>
  diff(actual, desire({ web: [withCheck(1, 'critical')] }, { actual }).state, KEEP)

test('a weight that a person set while all instances are critical is theirs, not the last one of ours', () => {
  const { overrides } = critical(edit(healthy, target, { weight: 7 }))
  assert.deepEqual(
    overrides.map(({ kind, field, actual }) => [kind, field, actual]),
    [['target', 'weight', 7]],
  )
})

test('the last weight of ours is kept while all instances are critical', () => {
  const { changes, overrides } = critical(healthy)
  assert.deepEqual([changes, overrides], [[], []])
})

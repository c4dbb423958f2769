import { deepEqual } from 'node:assert/strict'
import test from 'node:test'
import type { Instance } from '../../../operator/core/catalog.ts'
import { turnedCritical } from '../../../operator/core/critical-turns.ts'
import { catalog, inMaintenance, withCheck } from './build-mesh.ts'

const same = { address: '10.0.0.9' }
const cases: [what: string, before: Instance[], after: Instance[], turned: string[]][] = [
  ['one that failed has turned', [withCheck(1, 'passing')], [withCheck(1, 'critical')], ['10.0.0.1:80']],
  ['one that was degraded, too', [withCheck(1, 'warning')], [withCheck(1, 'critical')], ['10.0.0.1:80']],
  ['one that was critical has not', [withCheck(1, 'critical')], [withCheck(1, 'critical')], []],
  [
    'one that came as critical has not',
    [withCheck(1, 'passing')],
    [withCheck(1, 'passing'), withCheck(2, 'critical')],
    [],
  ],
  ['one that was taken out has not', [withCheck(1, 'passing')], [inMaintenance(1)], []],
  ['one that comes out of maintenance has not', [inMaintenance(1)], [withCheck(1, 'critical')], []],
  [
    'an address that is up under another id has not',
    [withCheck(1, 'passing', same), withCheck(2, 'passing', same)],
    [withCheck(1, 'critical', same), withCheck(2, 'passing', same)],
    [],
  ],
]
for (const [what, before, after, expected] of cases) {
  test(what, () => {
    const turned = turnedCritical(catalog({ web: before }), catalog({ web: after }))
    deepEqual(
      turned,
      expected.map((target) => ({ service: 'web', target })),
    )
  })
}

test('a service that is new has not turned', () => {
  deepEqual(turnedCritical(catalog({}), catalog({ web: [withCheck(1, 'critical')] })), [])
})

import { deepEqual } from 'node:assert/strict'
import test from 'node:test'
import {
  checkTable,
  nameTable,
  touchedByChecks,
  touchedNames,
} from '../../../operator/consul/check-changes.ts'
import type { RawCheck } from '../../../operator/consul/raw-rows.ts'

const check = (id: string, over: Partial<RawCheck> = {}): RawCheck => ({
  Node: 'n1',
  CheckID: id,
  Name: id,
  Status: 'critical',
  ServiceID: 'web-1',
  ServiceName: 'web',
  ModifyIndex: 10,
  ...over,
})
const touched = (before: RawCheck[], after: RawCheck[]) =>
  touchedByChecks(checkTable(before), checkTable(after))

const cases: [what: string, before: RawCheck[], after: RawCheck[], expected: unknown[]][] = [
  ['nothing for the same checks', [check('a')], [check('a')], []],
  ['nothing for another output alone', [check('a')], [check('a', { ModifyIndex: 11 })], []],
  [
    'the service of a check whose status changed',
    [check('a')],
    [check('a', { Status: 'warning', ModifyIndex: 11 })],
    [{ service: 'web', node: '', minIndex: 11n, recovered: '' }],
  ],
  [
    'the service of a new check',
    [],
    [check('a')],
    [{ service: 'web', node: '', minIndex: 10n, recovered: '' }],
  ],
  [
    'the service of a check that is in trouble no more',
    [check('a')],
    [],
    [{ service: 'web', node: '', minIndex: 0n, recovered: 'n1/a' }],
  ],
  [
    'the node of a check of a node',
    [],
    [check('_node_maintenance', { ServiceID: '', ServiceName: '' })],
    [{ service: '', node: 'n1', minIndex: 10n, recovered: '' }],
  ],
  [
    'both services of a check that moved',
    [check('a')],
    [check('a', { ServiceID: 'api-1', ServiceName: 'api' })],
    [
      { service: 'api', node: '', minIndex: 10n, recovered: '' },
      { service: 'web', node: '', minIndex: 0n, recovered: '' },
    ],
  ],
]
for (const [what, before, after, expected] of cases) {
  test(`two answers of the checks name ${what}`, () => deepEqual(touched(before, after), expected))
}

test('checks of the same id on two nodes are two checks', () => {
  const other = check('a', { Node: 'n2' })
  deepEqual(touched([check('a')], [check('a'), other]).length, 1)
})

test('names that came, went or changed their tags are touched, the order of tags is nothing', () => {
  const before = nameTable({ consul: [], web: ['a', 'b'], api: ['x'], old: [] })
  const after = nameTable({ consul: [], web: ['b', 'a'], api: ['y'], new: [] })
  deepEqual([...touchedNames(before, after)].sort(), ['api', 'new', 'old'])
})

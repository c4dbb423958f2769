import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { judgeNodes, type NodeProbe } from '../../../operator/core/kong-nodes.ts'

const node = (url: string, kind: NodeProbe['kind'], isDatabaseReachable = true): NodeProbe => ({
  url,
  kind,
  isDatabaseReachable,
  error: kind === null ? new Error(`${url} is down`) : null,
})

const cases: [what: string, probes: NodeProbe[], current: string, verdict: [string, string]][] = [
  ['the node in use is kept', [node('a', 'database'), node('b', 'database')], 'b', ['database', 'b']],
  [
    'the first that answers follows one that is down',
    [node('a', null), node('b', 'database')],
    'a',
    ['database', 'b'],
  ],
  [
    'a node that cannot reach its database is left for one that can',
    [node('a', 'database', false), node('b', 'database')],
    'a',
    ['database', 'b'],
  ],
  [
    'without any database to reach, the one in use stays',
    [node('a', 'database', false)],
    'a',
    ['database', 'a'],
  ],
  [
    'nodes without a database are known by one of them',
    [node('a', null), node('b', 'dbless')],
    'a',
    ['dbless', 'b'],
  ],
]
for (const [what, probes, current, [kind, use]] of cases) {
  test(what, () => {
    const verdict = judgeNodes(probes, current)
    deepEqual([verdict.kind, 'use' in verdict && verdict.use], [kind, use])
  })
}

test('nodes with and without a database do not go together', () => {
  equal(judgeNodes([node('a', 'dbless'), node('b', 'database')], 'a').kind, 'mixed')
})

test('where nobody answers, the first says why', () => {
  const verdict = judgeNodes([node('a', null), node('b', null)], 'b')
  equal(verdict.kind === 'silent' && verdict.error.message, 'a is down')
})

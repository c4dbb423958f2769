import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { type KongNodeStatus, nodeProblems, notReadyNodes } from '../../../operator/sync/kong-node-status.ts'

const node = (over: Partial<KongNodeStatus> = {}): KongNodeStatus => ({
  url: 'http://k1',
  kind: 'dbless',
  isUsed: true,
  isConnected: true,
  error: null,
  isRefused: false,
  hasSynced: true,
  pending: [],
  ...over,
})
const unread = node({ isConnected: false, hasSynced: false })
const fresh = node({ hasSynced: false })
const away = node({ isConnected: false, error: 'refused the connection' })
const foreign = node({ isConnected: false, isRefused: true, error: 'another kind' })
const unused = node({ isUsed: false, isConnected: false, error: 'down' })

const cases: [what: string, nodes: KongNodeStatus[], reasons: string[]][] = [
  ['one that has synced is ready', [node()], []],
  ['one that answers and has not synced is not', [fresh], ['not synced yet']],
  ['one that was not read yet is not', [unread], ['Kong: not read yet', 'not synced yet']],
  ['the only one being away is a reason', [away], ['Kong: refused the connection']],
  ['one of two being away is none', [node(), away], []],
  ['one of two that was not asked yet is one', [node(), unread], ['Kong: not read yet']],
  ['one of two that answers and has not synced is one', [node(), fresh], ['not synced yet']],
  ['one that cannot be used at all is one', [node(), foreign], ['Kong: another kind']],
  ['one that stands by and is away is none', [node(), unused], []],
]
for (const [what, nodes, reasons] of cases) {
  test(`readiness: ${what}`, () => deepEqual(notReadyNodes(nodes, false), reasons))
}

test('readiness: an operator that stands by need not have synced', () => {
  deepEqual(notReadyNodes([fresh], true), [])
})

test('nodes that are away are problems where there are several', () => {
  deepEqual(nodeProblems([away]), [])
  deepEqual(
    nodeProblems([node(), away, foreign]).map(({ code, severity }) => [code, severity]),
    [
      ['KONG_NODE_AWAY', 'warning'],
      ['KONG_NODE_REFUSED', 'error'],
    ],
  )
})

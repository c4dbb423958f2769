import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { isOtherConsul, nodeIds } from '../../../operator/consul/other-consul.ts'

const node = (ID: string) => ({ ID, Node: `node-${ID}`, Address: '10.0.0.1', ModifyIndex: 1 })
const idsOf = (...ids: string[]) => nodeIds(ids.map(node))

const cases: readonly [
  what: string,
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  isOther: boolean,
][] = [
  ['nothing was known before', idsOf(), idsOf('a'), false],
  ['the same agents', idsOf('a', 'b'), idsOf('a', 'b'), false],
  ['one agent left of three, others new', idsOf('a', 'b', 'c'), idsOf('c', 'd', 'e'), false],
  ['the same name with another id', idsOf('a'), idsOf('b'), true],
  ['no agent at all any more', idsOf('a'), idsOf(), true],
  ['external nodes, which have no id, tell nothing', idsOf(''), idsOf('b'), false],
]
for (const [what, before, after, isOther] of cases) {
  test(`${what}: ${isOther ? 'another Consul' : 'the same Consul'}`, () =>
    equal(isOtherConsul(before, after), isOther))
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventRun } from '../../../plugins/server/rpc/event-run.ts'
import { EventTable } from '../../../plugins/server/rpc/event-table.ts'

function tableOf(maxOpen: number) {
  const dropped: string[] = []
  const table = new EventTable(maxOpen, (run, reason) => dropped.push(`${run.id} ${reason}`))
  const run = (id: number, askedAt = 0) =>
    ({ id, askedAt, plugin: 'toy', nextInSlot: null, abandon: () => {} }) as unknown as EventRun
  return { table, dropped, run }
}

test('events whose ids share a slot are told apart, and leave in any order', () => {
  const { table, run } = tableOf(100)
  const runs = [0, 1_024, 2_048, 3_072].map((id) => run(id))
  for (const each of runs) table.add(each)
  for (const each of [runs[1]!, runs[3]!, runs[0]!]) {
    assert.equal(table.get(each.id), each)
    table.remove(each)
    table.remove(each)
    assert.equal(table.get(each.id), undefined)
    assert.equal(each.nextInSlot, null, 'one that has left keeps no other in memory')
  }
  assert.deepEqual([table.size, table.get(2_048)], [1, runs[2]])
})

test('the oldest goes when there are too many, also where ids start from 0 again', () => {
  const { table, dropped, run } = tableOf(3)
  const first = run(2 ** 32 - 3)
  table.add(first)
  for (const id of [2 ** 32 - 2, 2 ** 32 - 1, 0, 1]) table.add(run(id))
  assert.deepEqual(dropped, ['4294967293 evicted', '4294967294 evicted'])
  assert.deepEqual([table.size, table.get(2 ** 32 - 1)?.id, table.get(0)?.id], [3, 2 ** 32 - 1, 0])
})

test('what was not stepped for long goes, the rest stays', () => {
  const { table, dropped, run } = tableOf(10)
  table.add(run(1, 100))
  table.add(run(2, 900))
  table.expire(1_000, 500)
  assert.deepEqual([dropped, table.size], [['1 expired'], 1])
  assert.deepEqual([...table.countByPlugin()], [['toy', 1]])
})

test('an id that is no number is of no event', () => {
  const { table, run } = tableOf(10)
  table.add(run(0))
  for (const id of [null, '0', {}, 0.5, -1, Number.NaN]) assert.equal(table.get(id), undefined)
})

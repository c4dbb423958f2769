import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import { ANYTHING, PendingReads, shows } from '../../../operator/consul/pending-reads.ts'
import type { RawServiceRow } from '../../../operator/consul/raw-rows.ts'

const row = (status: string) =>
  ({ Checks: [{ Node: 'n1', CheckID: 'c', Status: status }] }) as unknown as RawServiceRow
const recovered = { minIndex: 0n, recovered: new Set(['n1/c']) }

test('a service named several times is read once, with all that was expected', () => {
  const pending = new PendingReads()
  pending.add('web', { minIndex: 5n, recovered: new Set(['n1/a']) })
  pending.add('web', { minIndex: 3n, recovered: new Set(['n1/b']) })
  deepEqual(pending.take(), [['web', { minIndex: 5n, recovered: new Set(['n1/a', 'n1/b']) }]])
  equal(pending.size, 0)
})

test('no more than asked for is taken, and the rest stays', () => {
  const pending = new PendingReads()
  for (const name of ['a', 'b', 'c']) pending.add(name, ANYTHING)
  equal(pending.take(2).length, 2)
  equal(pending.size, 1)
})

test('a read older than the change that asked for it does not show it', () => {
  equal(shows({ ...ANYTHING, minIndex: 10n }, 9n, []), false)
  equal(shows({ ...ANYTHING, minIndex: 10n }, 10n, []), true)
})

test('a read with a check in trouble that is known to have recovered is too old', () => {
  equal(shows(recovered, 9n, [row('critical')]), false)
  equal(shows(recovered, 9n, [row('passing')]), true)
  equal(shows(recovered, 9n, []), true)
})

import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import { type KvRows, planStatusWrites } from '../../../operator/core/settings-status.ts'
import { newDecision } from './new-decision.ts'

const WEB = 'mesh/services/web'
const HOUR_MS = 3_600_000
const NONE: KvRows = new Map()

test('faults that were to last too long never begin by themselves, not even at the next operator', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.parse('2030-01-31T12:00:00Z') })
  const text = (until: string) => JSON.stringify({ retries: 2, faults: { abortPercent: 50, until } })
  const late = new Map([[WEB, text('2030-01-31T14:00:00Z')]])
  const first = newDecision()
  const { refused } = first.setDocuments(late, NONE)
  match(refused.get(WEB)!.errors[0]!, /^faults\.until must be at most an hour away/)
  const said = () => first.settings!.forService('web', []).settings
  deepEqual([said().faults.until, said().retries], [null, 3])
  t.mock.timers.setTime(Date.now() + 1.5 * HOUR_MS)
  equal(first.acceptDocuments().has(WEB), true)
  const rows: KvRows = new Map(
    planStatusWrites(refused, NONE, '2030-01-31T12:00:00Z').map(({ key, text: told }) => [
      key,
      { text: told!, index: 1 },
    ]),
  )
  const next = newDecision()
  equal(next.setDocuments(late, rows).refused.has(WEB), true)
  equal(next.setDocuments(late, rows).refused.has(WEB), true)
  equal(next.faultsOf(WEB, text('2030-01-31T15:00:00Z'))!.length, 1)
  deepEqual(next.faultsOf(WEB, text('2030-01-31T14:10:00Z')), [])
  equal(next.setDocuments(new Map([[WEB, text('2030-01-31T14:10:00Z')]]), rows).refused.size, 0)
})

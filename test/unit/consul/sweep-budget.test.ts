import { equal, ok } from 'node:assert/strict'
import test from 'node:test'
import { fullBudget, RESERVE_MS, spend, waitMsFor } from '../../../operator/consul/sweep-budget.ts'

test('after a rest several searches may follow each other at once', () => {
  const spent = spend(spend(fullBudget(0), 150, 150), 200, 350)
  equal(waitMsFor(spent, 1, 350), 0)
})

test('searches without end take a third of the time', () => {
  let budget = fullBudget(0)
  let now = 0
  let searching = 0
  while (now < 60_000) {
    now += waitMsFor(budget, 1, now)
    now += 100
    searching += 100
    budget = spend(budget, 100, now)
  }
  ok(searching > 19_000 && searching < 22_000)
})

test('what may wait leaves a reserve for what may not', () => {
  const spent = spend(fullBudget(0), 290, 290)
  equal(waitMsFor(spent, 1, 290), 0)
  ok(waitMsFor(spent, RESERVE_MS, 290) > 0)
})

test('a search that took very long does not keep the next one waiting as much longer', () => {
  const afterLong = spend(spend(spend(fullBudget(0), 5000, 5000), 5000, 10_000), 5000, 15_000)
  ok(waitMsFor(afterLong, 1, 15_000) < 1000)
})

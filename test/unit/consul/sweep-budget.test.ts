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
  const spent = spend(fullBudget(0), 300, 300)
  equal(waitMsFor(spent, 1, 300), 0)
  ok(waitMsFor(spent, RESERVE_MS, 300) > 0)
})

test('a search that took very long is paid back before the next', () => {
  equal(waitMsFor(spend(fullBudget(0), 1600, 1600), 0, 1600), 3000)
})

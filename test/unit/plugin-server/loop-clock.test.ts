import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { LoopClock } from '../../../plugins/server/process/loop-clock.ts'
import { turn } from '../../support/plugin-host.ts'

test('what is read in a turn of the loop may have come since the turn before began', async () => {
  const clock = new LoopClock(0)
  equal(clock.enter(50), 0)
  equal(clock.enter(60), 0, 'the same turn')
  await turn()
  equal(clock.enter(350), 50, 'a turn of 300 ms')
  await turn()
  equal(clock.enter(351), 350)
})

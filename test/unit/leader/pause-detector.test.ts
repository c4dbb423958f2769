import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { PauseDetector } from '../../../operator/leader/pause-detector.ts'

function detector() {
  const clock = { now: 0, wall: 1_000_000, pauses: 0, pausedMs: 0 }
  const looked = new PauseDetector({
    limitMs: 1000,
    now: () => clock.now,
    wallNow: () => clock.wall,
    onPause: (pausedMs) => {
      clock.pauses += 1
      clock.pausedMs = pausedMs
    },
  })
  const pass = (ms: number, wallMs = ms) => {
    clock.now += ms
    clock.wall += wallMs
    looked.look()
  }
  return { clock, pass }
}

test('looks in time are no pause', () => {
  const { clock, pass } = detector()
  for (let turn = 0; turn < 100; turn += 1) pass(900)
  equal(clock.pauses, 0)
})

test('a process that did not run notices at its first look, once', () => {
  const { clock, pass } = detector()
  pass(60_000)
  pass(1)
  equal(clock.pauses, 1)
  equal(clock.pausedMs, 60_000)
})

test('a machine whose monotonic clock stood still notices by the other clock', () => {
  const { clock, pass } = detector()
  pass(10, 60_000)
  equal(clock.pauses, 1)
})

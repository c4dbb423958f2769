import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import {
  changedPauses,
  durationMs,
  nextEndMs,
  pauseFor,
  pauseKey,
  pauseProblem,
  pausesIn,
  pauseText,
} from '../../../operator/core/pause.ts'

const rows = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([service, text]) => [pauseKey(service), { text, index: 1 }]))
const at = (service: string, untilMs: number | null) =>
  pauseText({ service, reason: 'why', by: 'me', sinceMs: 0, untilMs })

test('a pause is read back as it was written', () => {
  const [pause] = pausesIn(rows({ web: at('web', 5000) }), 0).values()
  deepEqual(pause, { service: 'web', reason: 'why', by: 'me', sinceMs: 0, untilMs: 5000 })
})

test('a pause ends with its time', () => {
  const texts = rows({ web: at('web', 5000) })
  deepEqual(
    [4999, 5000].map((now) => pausesIn(texts, now).size),
    [1, 0],
  )
})

test('a pause without an end lasts until it is resumed', () => {
  equal(pausesIn(rows({ web: '{"reason":"x"}' }), 8e15).size, 1)
})

test('whatever somebody wrote there by hand pauses', () => {
  for (const text of ['', 'hands off', 'null', '[]', '{"until":"soon"}', '{"until":{}}', '{"by":1}']) {
    equal(pauseFor(pausesIn(rows({ web: text }), 0), 'web')?.untilMs, null, text)
  }
  equal(pausesIn(rows({ web: 'hands off' }), 0).get('web')?.reason, 'hands off')
})

test('times are RFC 3339 or epoch milliseconds', () => {
  for (const until of ['"1970-01-01T00:00:05Z"', '5000']) {
    equal(pausesIn(rows({ web: `{"until":${until}}` }), 0).get('web')?.untilMs, 5000)
  }
})

test('the pause of the whole mesh holds every service', () => {
  const pauses = pausesIn(rows({ '*': at('*', null) }), 0)
  equal(pauseFor(pauses, 'anything')?.service, '*')
})

test('other keys below mesh/ pause nothing', () => {
  equal(pausesIn(new Map([['mesh/status/web', { text: '{}', index: 1 }]]), 0).size, 0)
})

test('the first end comes first, and none is none', () => {
  equal(nextEndMs(pausesIn(rows({ a: at('a', 9), b: at('b', 7), c: at('c', null) }), 0)), 7)
  equal(nextEndMs(pausesIn(rows({ c: at('c', null) }), 0)), null)
})

test('what changes is named, and a pause of the mesh may change any', () => {
  const one = pausesIn(rows({ a: '', b: '' }), 0)
  const other = pausesIn(rows({ b: '', c: '' }), 0)
  deepEqual(changedPauses(one, other), ['a', 'c'])
  equal(changedPauses(one, pausesIn(rows({ '*': '' }), 0)), null)
})

test('durations are counts with units', () => {
  deepEqual(
    ['90s', '30m', '1h30m', '2d', '0s', '', '1', 'h', '-1h', '1.5h', '1 h', '9999999h'].map(durationMs),
    [90_000, 1_800_000, 5_400_000, 172_800_000, ...Array(8).fill(null)],
  )
})

test('a pause is a problem that says how to end it', () => {
  const [pause] = pausesIn(rows({ web: at('web', 5000) }), 0).values()
  match(pauseProblem(pause!).message, /^web is paused until 1970.* by me \(why\): .*"kongsul resume web"/)
})

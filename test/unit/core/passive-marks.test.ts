import { deepEqual, equal } from 'node:assert/strict'
import test from 'node:test'
import { decideMarks, type MarkRecords, type MarkView } from '../../../operator/core/passive-marks.ts'

const policy = { recoverMs: 2000, panicPercent: 50 }
const view = (target: string, over: Partial<MarkView> = {}): MarkView => ({
  target,
  wanted: true,
  claimed: false,
  ejectedUntilMs: null,
  unhealthy: false,
  returned: false,
  ...over,
})
const marked = (target: string, over: Partial<MarkView> = {}) => view(target, { unhealthy: true, ...over })

/** Looks at the same targets at each time; the target `a` is marked where its list says so. */
function looks(
  steps: readonly (readonly [nowMs: number, unhealthy: boolean])[],
  over: Partial<MarkView> = {},
) {
  let records: MarkRecords = new Map()
  return steps.map(([nowMs, unhealthy]) => {
    const decision = decideMarks(
      records,
      [view('a', { unhealthy, ...over }), view('b'), view('c')],
      nowMs,
      policy,
    )
    records = decision.records
    return decision
  })
}

test('a mark stands for recoverMs after it was first seen, then the target is put back', () => {
  const [first, early, due] = looks([
    [10_000, true],
    [11_999, true],
    [12_000, true],
  ])
  deepEqual([first!.putBack, first!.nextLookMs], [[], 12_000])
  deepEqual(early!.putBack, [])
  deepEqual(due!.putBack, ['a'])
})

test('the wait doubles each time the target fails again, up to 30 s', () => {
  let records: MarkRecords = new Map()
  let nowMs = 0
  const waits: number[] = []
  for (let round = 0; round < 7; round++) {
    const seen = decideMarks(records, [marked('a'), view('b'), view('c')], nowMs, policy)
    const dueMs = seen.nextLookMs!
    waits.push(dueMs - nowMs)
    records = decideMarks(seen.records, [marked('a'), view('b'), view('c')], dueMs, policy).records
    nowMs = dueMs + 500
  }
  deepEqual(waits, [2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
})

test('a target that stays healthy as long as its mark stood starts from the beginning', () => {
  const all = looks([
    [0, true],
    [2000, true],
    [4000, false],
    [9000, true],
  ])
  equal(all[2]!.records.size, 0)
  equal(all[3]!.nextLookMs, 11_000)
})

test('a target that is healthy only briefly keeps its failures', () => {
  const all = looks([
    [0, true],
    [2000, true],
    [2500, false],
    [3000, true],
  ])
  equal(all[3]!.nextLookMs, 7000)
})

test('marks that leave fewer than half of what Consul calls healthy are taken back at once', () => {
  const decision = decideMarks(new Map(), [marked('b'), marked('a'), view('c')], 0, policy)
  deepEqual(decision.putBack, ['a', 'b'])
})

test('half of what Consul calls healthy is enough to wait', () => {
  deepEqual(decideMarks(new Map(), [marked('a'), view('b')], 0, policy).putBack, [])
})

test('with nobody left a target that keeps failing is tried once a second', () => {
  const first = decideMarks(new Map(), [marked('a')], 0, policy)
  deepEqual(first.putBack, ['a'])
  const failed = decideMarks(first.records, [marked('a')], 500, policy)
  deepEqual([failed.putBack, failed.nextLookMs], [[], 1000])
})

test('a request that fails everywhere, sent every other second, keeps nobody out until it comes again', () => {
  let records: MarkRecords = new Map()
  for (const nowMs of [0, 1500, 3000, 4500]) {
    const decision = decideMarks(records, [marked('a'), marked('b')], nowMs, policy)
    deepEqual(decision.putBack, ['a', 'b'])
    records = decideMarks(decision.records, [view('a'), view('b')], nowMs + 500, policy).records
  }
})

test('a target that Consul just turned to passing is put back at once', () => {
  const decision = decideMarks(new Map(), [marked('a', { returned: true }), view('b'), view('c')], 0, policy)
  deepEqual(decision.putBack, ['a'])
})

test('a target that a person keeps out is left alone, even when nobody else is left', () => {
  const decision = decideMarks(new Map(), [marked('a', { claimed: true })], 60_000, policy)
  deepEqual([decision.putBack, decision.nextLookMs], [[], null])
})

test('a target that Consul wants no traffic on is left alone', () => {
  deepEqual(decideMarks(new Map(), [marked('a', { wanted: false })], 60_000, policy).putBack, [])
})

test('nothing is looked at again where nothing is marked', () => {
  const decision = decideMarks(new Map(), [view('a'), view('b')], 0, policy)
  deepEqual([decision.records.size, decision.nextLookMs], [0, null])
})

test('what a plugin process has ejected is left alone until its claim ends, then put back at once', () => {
  const over = { ejectedUntilMs: 90_000 }
  const [first, later, due] = looks(
    [
      [10_000, true],
      [89_999, true],
      [90_000, true],
    ],
    over,
  )
  deepEqual([first!.putBack, first!.nextLookMs], [[], 90_000])
  deepEqual([later!.putBack, later!.records.size], [[], 0])
  deepEqual(due!.putBack, ['a'])
})

test('a person keeps out what a plugin process has left behind', () => {
  const [due] = looks([[90_000, true]], { ejectedUntilMs: 1, claimed: true })
  deepEqual([due!.putBack, due!.nextLookMs], [[], null])
})

test('a target that was put back from an ejection and fails again is a mark like any other', () => {
  const [putBack, again, still] = looks(
    [
      [1000, true],
      [1500, true],
      [5000, true],
    ],
    { ejectedUntilMs: 500 },
  )
  deepEqual([putBack!.putBack, again!.putBack, still!.putBack], [['a'], [], []])
})

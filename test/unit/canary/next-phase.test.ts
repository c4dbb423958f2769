import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Canary, isActive, type Phase, withLastStep } from '../../../operator/core/canary/canary.ts'
import { NO_TRAFFIC, type Traffic } from '../../../operator/core/canary/judge-step.ts'
import { nextPhase, ordered, type Seen, wishedSplits } from '../../../operator/core/canary/next-phase.ts'
import { isSameSplit, type Split } from '../../../operator/core/canary/split-shares.ts'

const BEFORE: readonly Split[] = [{ Weight: 100, ServiceSubset: 'v1' }]
const GOOD: Traffic = { requests: 100, failures: 0, slow: 0, p95Ms: 20 }
const BAD: Traffic = { requests: 100, failures: 30, slow: 0, p95Ms: 20 }

const canary = (changed: Partial<Canary> = {}): Canary => ({
  id: 'one',
  plan: {
    service: 'web',
    to: 'v2',
    steps: [5, 50, 100],
    everyMs: 60_000,
    maxErrorRate: 1,
    maxP95Ms: 400,
    minRequests: 20,
  },
  by: 'ada',
  startedMs: 0,
  before: BEFORE,
  phase: { at: 'running', step: 0, sinceMs: 0, over: 7 },
  ...changed,
})

/** The splitter as the canary has written it. */
const seen = (of: Canary, changed: Partial<Seen> = {}): Seen => ({
  doubt: null,
  hold: null,
  entry: { index: 9, splits: wishedSplits(of) ?? [] },
  fault: null,
  traffic: GOOD,
  ...changed,
})

const phaseAfter = (of: Canary, what: Seen, nowMs: number): Phase => nextPhase(of, what, nowMs).phase

test('a step that was good for its time is followed by the next one, over the entry that was seen', () => {
  deepEqual(phaseAfter(canary(), seen(canary()), 60_000), {
    at: 'running',
    step: 1,
    sinceMs: 60_000,
    over: 9,
  })
})

test('a good step waits for its end, and says how it goes', () => {
  const { phase, writes, note } = nextPhase(canary(), seen(canary()), 20_000)
  deepEqual([phase, writes], [canary().phase, false])
  match(note, /^good so far: 0 % of 100 requests failed, p95 20 ms; judged in 40 s$/)
})

test('a step that is clearly bad is rolled back before its end', () => {
  const { phase, note } = nextPhase(canary(), seen(canary(), { traffic: BAD }), 1_000)
  deepEqual([phase.at, 'how' in phase && phase.how], ['ending', 'rolled_back'])
  match(note, /30 % of 100 requests failed, 1 % may/)
})

test('a step that may be bad by chance is rolled back at its end, not before', () => {
  const traffic = { ...GOOD, failures: 2 }
  equal(phaseAfter(canary(), seen(canary(), { traffic }), 59_999).at, 'running')
  equal(phaseAfter(canary(), seen(canary(), { traffic }), 60_000).at, 'ending')
})

test('too few requests are judged neither good nor bad, however long it takes', () => {
  const traffic = { requests: 19, failures: 19, slow: 19, p95Ms: 900 }
  const { phase, note } = nextPhase(canary(), seen(canary(), { traffic }), 3_600_000)
  deepEqual([phase, note], [canary().phase, 'too few requests to judge: 19 of 20'])
})

test('slow requests beyond one in twenty roll back as failures do', () => {
  const slow = { ...GOOD, slow: 6, p95Ms: 450 }
  equal(phaseAfter(canary(), seen(canary(), { traffic: { ...slow, slow: 5 } }), 60_000).at, 'running')
  match(nextPhase(canary(), seen(canary(), { traffic: slow }), 60_000).note, /p95 is 450 ms/)
  const without = canary({ plan: { ...canary().plan, maxP95Ms: null } })
  equal(phaseAfter(without, seen(without, { traffic: slow }), 60_000).at, 'running')
})

test('a subset that cannot serve is rolled back at once, whatever its requests were', () => {
  const fault = 'no instance of subset v2 of web is healthy'
  const { phase, note } = nextPhase(canary(), seen(canary(), { fault, traffic: NO_TRAFFIC }), 1)
  deepEqual([phase.at, note], ['ending', `rolled back: ${fault}`])
})

test('weights are written only over the entry that they were decided on', () => {
  const unwritten = { index: 7, splits: BEFORE }
  equal(nextPhase(canary(), seen(canary(), { entry: unwritten }), 1).writes, true)
  const edited = { index: 8, splits: BEFORE }
  const { phase, writes } = nextPhase(canary(), seen(canary(), { entry: edited }), 1)
  deepEqual([phase.at, writes], ['paused', false])
})

test('a splitter that somebody changed or removed pauses the canary until it is as it was', () => {
  for (const [entry, word] of [
    [{ index: 12, splits: [{ Weight: 100, ServiceSubset: 'v2' }] }, 'changed'],
    [null, 'removed'],
  ] as const) {
    const { phase } = nextPhase(canary(), seen(canary(), { entry, traffic: BAD }), 5)
    deepEqual(phase, {
      at: 'paused',
      step: 0,
      sinceMs: 5,
      reason: `service-splitter web was ${word} by somebody else`,
    })
    const paused = canary({ phase })
    equal(phaseAfter(paused, seen(paused, { entry, traffic: BAD }), 9), phase)
    deepEqual(phaseAfter(paused, seen(paused), 11), { at: 'running', step: 0, sinceMs: 11, over: 9 })
  }
})

test('the last step is judged with all of the requests, then the canary is promoted', () => {
  const last = canary({ phase: { at: 'running', step: 2, sinceMs: 0, over: 7 } })
  equal(phaseAfter(last, seen(last, { traffic: BAD }), 1).at, 'ending')
  const ending = phaseAfter(last, seen(last), 60_000)
  deepEqual([ending.at, 'how' in ending && ending.how], ['ending', 'promoted'])
  const over = canary({ phase: ending })
  equal(phaseAfter(over, seen(over), 60_001).at, 'ended')
  deepEqual([withLastStep([5, 50]), withLastStep([100])], [[5, 50, 100], [100]])
})

test('going back writes the splits from before, and removes the splitter where there was none', () => {
  const back = (before: Canary['before']) =>
    canary({ before, phase: ordered(canary(), 'aborted', 9, 4, 'by ada') })
  const written = { index: 9, splits: wishedSplits(canary())! }
  deepEqual(wishedSplits(back(BEFORE)), BEFORE)
  equal(wishedSplits(back(null)), null)
  equal(nextPhase(back(null), seen(back(null), { entry: written }), 5).writes, true)
  equal(phaseAfter(back(null), seen(back(null), { entry: null }), 5).at, 'ended')
  const edited = {
    index: 10,
    splits: [
      { Weight: 42, ServiceSubset: 'v1' },
      { Weight: 58, ServiceSubset: 'v2' },
    ],
  }
  const { note } = nextPhase(back(BEFORE), seen(back(BEFORE), { entry: edited }), 5)
  match(note, /somebody else has changed the splitter meanwhile, which is left as it is/)
})

test('a step that is written just after the end was decided is gone back from as well', () => {
  const back = canary({ phase: ordered(canary(), 'aborted', 7, 4, 'by ada') })
  const late = { index: 9, splits: wishedSplits(canary())! }
  deepEqual(nextPhase(back, seen(back, { entry: late }), 5).writes, true)
})

test('in doubt nothing is decided, and a hold stops only what goes forward', () => {
  const doubt = 'Consul cannot be read'
  equal(nextPhase(canary(), seen(canary(), { doubt, traffic: BAD }), 90_000).note, `waits: ${doubt}`)
  const hold = 'Kong does not hold the weights yet'
  const one = canary()
  equal(phaseAfter(one, seen(one, { hold }), 90_000), one.phase)
  equal(phaseAfter(canary(), seen(canary(), { hold, traffic: BAD }), 90_000).at, 'ending')
})

// A world in which writes may be lost, the operator may stop between any two of them, and people may edit.
test('whatever is lost or edited, every canary ends in a known state and nobody’s edit is overwritten', () => {
  const step = fc.record({
    traffic: fc.constantFrom(GOOD, BAD, NO_TRAFFIC, { ...GOOD, failures: 2 }),
    isLost: fc.boolean(),
    editsTo: fc.option(fc.integer({ min: 0, max: 100 }), { freq: 8 }),
    waitMs: fc.constantFrom(10, 60_000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (world) => {
      let now = 0
      let one = canary()
      let entry = { index: 7, splits: BEFORE }
      let byHand = false
      for (const { traffic, isLost, editsTo, waitMs } of world) {
        now += waitMs
        if (editsTo !== null) {
          const splits = [
            { Weight: editsTo, ServiceSubset: 'v2' },
            { Weight: 100 - editsTo, ServiceSubset: 'v1' },
          ]
          entry = { index: entry.index + 1, splits }
          byHand = true
        }
        const move = nextPhase(one, { doubt: null, hold: null, entry, fault: null, traffic }, now)
        if (move.writes) {
          ok(!byHand || isSameSplit('web', entry.splits, wishedSplits(one)!) === false)
          equal('over' in move.phase && move.phase.over, entry.index)
          if (!isLost) entry = { index: entry.index + 1, splits: wishedSplits(one)! }
        } else if (!isLost) {
          // Only what agrees with Consul is gone on from: an edit that agrees with nothing pauses or ends.
          if (move.phase !== one.phase) byHand = false
          one = { ...one, phase: move.phase }
        }
      }
      // Undisturbed from here on, it ends, unless somebody's edit stands.
      for (let more = 0; more < 20 && isActive(one) && one.phase.at !== 'paused'; more++) {
        now += 60_000
        const move = nextPhase(one, { doubt: null, hold: null, entry, fault: null, traffic: GOOD }, now)
        if (move.writes) entry = { index: entry.index + 1, splits: wishedSplits(one)! }
        one = { ...one, phase: move.phase }
      }
      ok(['paused', 'ended'].includes(one.phase.at), one.phase.at)
    }),
  )
})

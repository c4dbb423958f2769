/**
 * The canary's state machine: from what it is and what is seen to what it is next. It is written to KV before the
 * splitter is, so that whoever goes on after a crash knows which weights are the canary's own. Time is passed in.
 */

import { type Canary, type Ending, type Phase, weightOf } from './canary.ts'
import { judgeStep, percentText, type Traffic } from './judge-step.ts'
import { isSameSplit, NO_SPLITS, type Split, splitsAt } from './split-shares.ts'

/** What is known now. */
export interface Seen {
  /** Why nothing can be decided; null when it can. */
  readonly doubt: string | null
  /** Why the next step has to wait, though bad can be told; null when it need not. */
  readonly hold: string | null
  /** The splitter in Consul; null: there is none. */
  readonly entry: { readonly index: number; readonly splits: readonly Split[] } | null
  /** Why the subset cannot serve; null when it can. */
  readonly fault: string | null
  /** Of this step. */
  readonly traffic: Traffic
}

export interface Move {
  /** The same object when nothing changes. */
  readonly phase: Phase
  /** Are the splits that the phase wishes for to be written now, over the entry seen? */
  readonly writes: boolean
  /** What is decided and why, for people. */
  readonly note: string
}

/** The splits that Consul shall hold in this phase; null: no splitter. */
export function wishedSplits(canary: Canary): readonly Split[] | null {
  const { plan, before, phase } = canary
  if (phase.at === 'ending' && phase.how !== 'promoted') return before
  const percent = phase.at === 'ending' || phase.at === 'ended' ? 100 : weightOf(canary)
  return splitsAt(before ?? NO_SPLITS, plan.service, plan.to, percent)
}

export function nextPhase(canary: Canary, seen: Seen, nowMs: number): Move {
  const { phase } = canary
  if (phase.at === 'ended') return stay(phase, endText(phase.how, phase.reason))
  if (seen.doubt !== null) return stay(phase, `waits: ${seen.doubt}`)
  const isAsWished = holdsWished(canary, seen)
  const isUnwritten = phase.at !== 'paused' && seen.entry !== null && seen.entry.index === phase.over
  switch (phase.at) {
    case 'ending': {
      // A step that was being written when the end was decided comes after it: its weights are the canary's own.
      const isOwn = isUnwritten || (seen.entry !== null && isAnyStep(canary, seen.entry.splits))
      if (isOwn && !isAsWished) return { phase, writes: true, note: endText(phase.how, phase.reason) }
      const left = 'somebody else has changed the splitter meanwhile, which is left as it is'
      const reason = isAsWished ? phase.reason : `${phase.reason}; ${left}`
      const { how, step } = phase
      return move({ at: 'ended', how, step, sinceMs: nowMs, reason }, endText(how, reason))
    }
    case 'paused': {
      if (!isAsWished || seen.entry === null) return stay(phase, `paused: ${phase.reason}`)
      const { step } = phase
      return move(
        { at: 'running', step, sinceMs: nowMs, over: seen.entry.index },
        'goes on: the splitter is as it was',
      )
    }
    case 'running': {
      if (isAsWished) return judged(canary, phase, seen, nowMs)
      if (isUnwritten) return { phase, writes: true, note: `writes ${weightOf(canary)} %` }
      const what = seen.entry === null ? 'removed' : 'changed'
      const reason = `service-splitter ${canary.plan.service} was ${what} by somebody else`
      return move({ at: 'paused', step: phase.step, sinceMs: nowMs, reason }, `paused: ${reason}`)
    }
  }
}

/** What a person orders; the splitter is written over whatever it is now. @param over its ModifyIndex, 0 without one */
export function ordered(
  { phase, plan }: Canary,
  how: Ending,
  over: number,
  nowMs: number,
  reason: string,
): Phase {
  const step = how === 'promoted' ? plan.steps.length - 1 : phase.step
  return { at: 'ending', how, step, sinceMs: nowMs, over, reason }
}

function judged(canary: Canary, phase: Phase & { at: 'running' }, seen: Seen, nowMs: number): Move {
  const { plan } = canary
  const { traffic, entry } = seen
  const over = entry?.index ?? 0
  const back = (reason: string): Move =>
    move(ordered(canary, 'rolled_back', over, nowMs, reason), endText('rolled_back', reason))
  if (seen.fault !== null) return back(seen.fault)
  const judgement = judgeStep(plan, traffic)
  const leftMs = phase.sinceMs + plan.everyMs - nowMs
  if (judgement.kind === 'bad' && (judgement.clear || leftMs <= 0)) return back(judgement.reason)
  const so = trafficText(traffic)
  if (judgement.kind === 'few') {
    return stay(phase, `too few requests to judge: ${traffic.requests} of ${plan.minRequests}`)
  }
  if (leftMs > 0) {
    const verdict = judgement.kind === 'bad' ? `not good so far (${judgement.reason})` : `good so far: ${so}`
    return stay(phase, `${verdict}; judged in ${Math.ceil(leftMs / 1_000)} s`)
  }
  if (seen.hold !== null) return stay(phase, `good: ${so}; waits: ${seen.hold}`)
  const next = plan.steps[phase.step + 1]
  if (next === undefined) return move(ordered(canary, 'promoted', over, nowMs, so), endText('promoted', so))
  return move(
    { at: 'running', step: phase.step + 1, sinceMs: nowMs, over },
    `good: ${so}; goes on to ${next} %`,
  )
}

function holdsWished(canary: Canary, { entry }: Seen): boolean {
  const wished = wishedSplits(canary)
  if (wished === null || entry === null) return wished === null && entry === null
  return isSameSplit(canary.plan.service, wished, entry.splits)
}

function isAnyStep({ plan, before }: Canary, splits: readonly Split[]): boolean {
  const { service, to, steps } = plan
  return steps.some((percent) =>
    isSameSplit(service, splits, splitsAt(before ?? NO_SPLITS, service, to, percent)),
  )
}

const trafficText = ({ requests, failures, p95Ms }: Traffic): string => {
  const failed = `${percentText((failures / Math.max(1, requests)) * 100)} of ${requests} requests failed`
  return p95Ms === null ? failed : `${failed}, p95 ${Math.round(p95Ms)} ms`
}

const ENDS = { promoted: 'promoted', aborted: 'aborted', rolled_back: 'rolled back' } as const

export const endText = (how: Ending, reason: string): string =>
  reason === '' ? ENDS[how] : `${ENDS[how]}: ${reason}`

const stay = (phase: Phase, note: string): Move => ({ phase, writes: false, note })
const move = (phase: Phase, note: string): Move => ({ phase, writes: false, note })

import { deepEqual, equal, match } from 'node:assert/strict'
import { test } from 'node:test'
import type { Canary } from '../../../operator/core/canary/canary.ts'
import { canariesIn, canaryKey, canaryText } from '../../../operator/core/canary/canary-document.ts'

const PHASES: readonly Canary['phase'][] = [
  { at: 'running', step: 1, sinceMs: 2_000, over: 12 },
  { at: 'paused', step: 1, sinceMs: 2_000, reason: 'edited' },
  { at: 'ending', how: 'promoted', step: 1, sinceMs: 2_000, over: 12, reason: 'good' },
  { at: 'ended', how: 'rolled_back', step: 1, sinceMs: 2_000, reason: 'bad' },
]
const canary = (phase: Canary['phase']): Canary => ({
  id: 'one',
  plan: {
    service: 'web',
    to: 'v2',
    steps: [5, 100],
    everyMs: 60_000,
    maxErrorRate: 1,
    maxP95Ms: null,
    minRequests: 20,
  },
  by: 'ada',
  startedMs: 1_000,
  before: [{ Weight: 100, ServiceSubset: 'v1', RequestHeaders: { Add: { a: '1' } } }],
  phase,
})

test('what KV holds is the canary that was written, in every phase', () => {
  for (const phase of PHASES) {
    const rows = new Map([[canaryKey('web'), { text: canaryText(canary(phase)), index: 3 }]])
    deepEqual(canariesIn(rows).canaries.get('web'), canary(phase))
  }
})

test('a document that cannot be read is named and no canary', () => {
  const { canaries, unreadable } = canariesIn(
    new Map([['mesh/canaries/web', { text: '{"id":1}', index: 3 }]]),
  )
  equal(canaries.size, 0)
  match(unreadable.get('web')!, /expected string/)
})

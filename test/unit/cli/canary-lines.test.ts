import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import pc from 'picocolors'
import { canaryLines, canaryRules } from '../../../operator/cli/canary-lines.ts'
import type { CanaryView } from '../../../operator/sync/canary-view.ts'
import { canariesOf } from '../../support/dashboard-data.ts'

const paint = pc.createColors(false)
const canary: CanaryView = canariesOf('web', Date.parse('2030-01-31T12:00:00Z')).canaries[0]!

test('a canary is a row with its step, its requests and what is decided', () => {
  deepEqual(canaryLines([canary], { width: () => 200, paint }), [
    'SERVICE  TO  STATE    STEP  WEIGHT  REQUESTS  FAILED    P95  DECISION',
    'web      v2  running   2/3    25 %       480  0.21 %  38 ms  good so far: 0.2 % of 480 requests failed, p95 38 ms; judged in 40 s',
  ])
})

test('without requests nothing is told of them, and without canaries how to begin one', () => {
  const idle = {
    ...canary,
    requests: 0,
    p95: null,
    state: 'rolled_back' as const,
    decision: 'rolled back: bad',
  }
  deepEqual(
    canaryLines([idle], { width: () => 200, paint })[1],
    'web      v2  rolled back   2/3    25 %         0       -    -  rolled back: bad',
  )
  deepEqual(canaryLines([], { width: () => 80, paint }), [
    'No canary was started. kongsul canary start --help tells how.',
  ])
})

test('its rules are told in words', () => {
  deepEqual(canaryRules(canary), [
    canary.decision,
    'steps 5, 25, 100 %, each 120 s or longer; at most 1 % failed, p95 at most 400 ms, judged from 20 requests on',
    'started 2030-01-31T11:56:40.000Z by ada; in this state since 2030-01-31T11:58:40.000Z',
  ])
})

/** A canary as the API, events and the dashboard show it. */

import { z } from 'zod'
import { type Canary, weightOf } from '../core/canary/canary.ts'
import type { Traffic } from '../core/canary/judge-step.ts'
import { endText } from '../core/canary/next-phase.ts'

export const CANARY_STATES = ['running', 'paused', 'ending', 'promoted', 'aborted', 'rolled_back'] as const

export const canaryShape = z.object({
  id: z.string(),
  service: z.string(),
  to: z.string().meta({ description: 'the subset that is tried' }),
  state: z.enum(CANARY_STATES).meta({ description: 'rolled_back: by itself' }),
  decision: z.string().meta({ description: 'what is decided now and why' }),
  step: z.int().meta({ description: 'from 1' }),
  steps: z.array(z.number()).meta({ description: 'percent' }),
  weight: z.number().meta({ description: 'percent that the subset has by the canary' }),
  every: z.number().meta({ description: 'how long a step lasts at least, ms' }),
  max_error_rate: z.number().meta({ description: 'percent' }),
  max_p95: z.number().nullable().meta({ description: 'ms' }),
  min_requests: z.int(),
  requests: z.int().meta({ description: 'of the subset in this step, as this operator was told' }),
  failures: z.int(),
  error_rate: z.number().meta({ description: 'percent' }),
  p95: z.number().nullable().meta({ description: 'ms' }),
  by: z.string(),
  started_at: z.iso.datetime(),
  since: z.iso.datetime().meta({ description: 'when the step, or the state, began' }),
})
export type CanaryView = z.infer<typeof canaryShape>

/** @param note what was decided in this step last; null when nothing was yet */
export function viewCanary(canary: Canary, traffic: Traffic, note: string | null): CanaryView {
  const { id, plan, by, startedMs, phase } = canary
  const { requests, failures, p95Ms } = traffic
  return {
    id,
    service: plan.service,
    to: plan.to,
    state: phase.at === 'ended' ? phase.how : phase.at,
    decision: decisionOf(canary, note),
    step: phase.step + 1,
    steps: [...plan.steps],
    weight: weightNow(canary),
    every: plan.everyMs,
    max_error_rate: plan.maxErrorRate,
    max_p95: plan.maxP95Ms,
    min_requests: plan.minRequests,
    requests,
    failures,
    error_rate: requests === 0 ? 0 : (failures / requests) * 100,
    p95: p95Ms === null ? null : Math.round(p95Ms * 10) / 10,
    by,
    started_at: iso(startedMs),
    since: iso(phase.sinceMs),
  }
}

function decisionOf({ plan, phase }: Canary, note: string | null): string {
  if (phase.at === 'paused') return `paused: ${phase.reason}`
  if (phase.at === 'running') return note ?? `${plan.steps[phase.step] ?? 100} % begins`
  return endText(phase.how, phase.reason)
}

function weightNow({ plan, before, phase, ...rest }: Canary): number {
  if (phase.at === 'running' || phase.at === 'paused') return weightOf({ plan, before, phase, ...rest })
  if (phase.how === 'promoted') return 100
  const own = before?.find(({ ServiceSubset, Service }) => {
    return ServiceSubset === plan.to && (Service || plan.service) === plan.service
  })
  return own?.Weight ?? 0
}

const iso = (ms: number): string => new Date(ms).toISOString()

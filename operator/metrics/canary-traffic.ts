/** What becomes of requests at the instances of a subset, since a canary's step began. */

import { NO_TRAFFIC, type Traffic } from '../core/canary/judge-step.ts'
import { LatencyHistogram } from '../core/latency-histogram.ts'
import { isFailedTry } from './failed-try.ts'
import type { ToldOutcome } from './told-outcome.ts'

export interface WatchedStep {
  readonly service: string
  /** Another one: counting begins anew. */
  readonly key: string
  /** `host:port` of the subset's instances. */
  readonly targets: ReadonlySet<string>
  readonly maxP95Ms: number | null
  /** Epoch ms: requests from before are told late, and say nothing of this step. */
  readonly sinceMs: number
}

interface Counts extends WatchedStep {
  requests: number
  failures: number
  slow: number
  readonly latency: LatencyHistogram
}

export class CanaryTraffic {
  readonly #steps = new Map<string, Counts>()

  watch(step: WatchedStep): void {
    const known = this.#steps.get(step.service)
    const counts =
      known?.key === step.key ? known : { requests: 0, failures: 0, slow: 0, latency: new LatencyHistogram() }
    if (known?.key === step.key && known.targets === step.targets) return
    this.#steps.set(step.service, { ...counts, ...step })
  }

  forget(service: string): void {
    this.#steps.delete(service)
  }

  /** Each try at an instance of a subset counts, by whatever route it came. */
  note(outcome: ToldOutcome): void {
    if (this.#steps.size === 0) return
    for (const step of this.#steps.values()) {
      if (outcome.startedAtMs !== 0 && outcome.startedAtMs < step.sinceMs) continue
      for (const each of outcome.tries) {
        if (!step.targets.has(each.instance)) continue
        const ms = each.ms ?? outcome.durationMs
        step.requests++
        step.latency.record(ms)
        if (isFailedTry(each, outcome)) step.failures++
        if (step.maxP95Ms !== null && ms > step.maxP95Ms) step.slow++
      }
    }
  }

  of(service: string, key: string): Traffic {
    const step = this.#steps.get(service)
    if (step?.key !== key) return NO_TRAFFIC
    const { requests, failures, slow, latency } = step
    return { requests, failures, slow, p95Ms: latency.percentile(95) }
  }
}

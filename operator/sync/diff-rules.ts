import type { DiffOptions } from '../core/diff.ts'
import type { Entity } from '../core/entity.ts'
import type { Decision } from './decision.ts'
import type { KongMirror } from './kong-mirror.ts'
import { RemovalWatch } from './removal-watch.ts'

export interface DiffRulesOptions {
  readonly mesh: string
  readonly mirror: KongMirror
  readonly decision: Pick<Decision, 'desired' | 'overridePolicyOf' | 'overrideTtlMs'>
  readonly isDbless: () => boolean
}

/** How what a Kong holds is compared with what it should hold: whose edits are kept, and how long. */
export class DiffRules {
  readonly #options: DiffRulesOptions
  readonly #removals: RemovalWatch

  constructor(options: DiffRulesOptions) {
    this.#options = options
    this.#removals = new RemovalWatch(options.mesh)
  }

  /** As they are now; what the mirror found missing since the last time counts as removed by somebody. */
  take(): DiffOptions {
    const { mesh, mirror, decision } = this.#options
    // Nobody edits one field of a configuration that is posted whole: what differs is what somebody did not know of.
    if (this.#options.isDbless()) {
      mirror.takeGone()
      return { mesh, policy: 'revert' }
    }
    const nowMs = Date.now()
    this.#removals.review(mirror, decision.desired.state, nowMs)
    return {
      mesh,
      policy: (service) => decision.overridePolicyOf(service),
      age: { nowMs, ttlMs: (service) => decision.overrideTtlMs(service) },
      refused: this.#removals.refused(nowMs),
    }
  }

  /** Somebody wants these in Kong, however often they were removed. */
  forgetRemovals(entities: readonly Entity[]): void {
    this.#removals.forget(entities)
  }
}

import { type Change, diff } from '../core/diff.ts'
import type { KongState } from '../core/entity.ts'
import { type PlanReport, planReport } from '../core/plan-report.ts'
import type { Decision, Supposed } from './decision.ts'
import type { DiffRules } from './diff-rules.ts'
import type { KongMirror } from './kong-mirror.ts'
import type { WriteRules } from './write-rules.ts'

export interface PlansOptions {
  readonly mesh: string
  readonly mirror: KongMirror
  readonly decision: Decision
  readonly diffRules: DiffRules
  readonly writeRules: Pick<WriteRules, 'isOutOfReach'>
  readonly isDbless: () => boolean
}

/** What would be written, for whoever asks before it is. */
export class Plans {
  readonly #options: PlansOptions
  readonly #notWritten = new Map<string, readonly Change[]>()

  constructor(options: PlansOptions) {
    this.#options = options
  }

  /** What would be written if Kong held this. */
  planFor(actual: KongState): PlanReport {
    const { mesh, decision, diffRules, isDbless } = this.#options
    const found = diff(actual, decision.desired.state, diffRules.take())
    return planReport({
      mesh,
      problems: decision.problems(),
      diff: { ...found, changes: this.#withinReach(found.changes) },
      holds: decision.holds,
      isHeld: (change) => decision.isOnHold(change),
      dbless: isDbless(),
    })
  }

  /** What would be written beside what is due already, if Consul said this as well; null until all was read. */
  changesWith(supposed: Supposed): readonly Change[] | null {
    const { mirror, decision, diffRules } = this.#options
    const then = decision.desiredWith(supposed)
    if (then === null) return null
    const told = (change: Change) => `${change.action} ${JSON.stringify(change.entity)}`
    const [actual, options] = [mirror.state(), diffRules.take()]
    const due = new Set(diff(actual, decision.desired.state, options).changes.map(told))
    const changes = diff(actual, then.state, options).changes
    return this.#withinReach(changes.filter((change) => !due.has(told(change))))
  }

  /** Changes of a service were found and not written: a dry run, or it is paused. None: it is as it should be. */
  noteNotWritten(service: string, changes: readonly Change[]): void {
    if (changes.length > 0) this.#notWritten.set(service, changes)
    else this.#notWritten.delete(service)
  }

  /** What was noted, of all services. */
  notWritten(): readonly Change[] {
    return [...this.#notWritten.values()].flat()
  }

  #withinReach(changes: readonly Change[]): readonly Change[] {
    return changes.filter((change) => !this.#options.writeRules.isOutOfReach(change))
  }
}

import type { Change } from '../core/diff.ts'
import { claimEndMs, ejectionsOf } from '../core/ejections.ts'
import { type Entity, keyOf } from '../core/entity.ts'
import { placeOf } from '../core/instance-key.ts'
import { entityId } from '../core/names.ts'
import { readEntity } from '../kong/execute.ts'
import { PassiveHealer, type StandingMark } from '../kong/passive-healer.ts'
import type { ToldOutcome } from '../metrics/told-outcome.ts'
import type { Decision } from './decision.ts'
import type { KongMirror } from './kong-mirror.ts'
import type { ReconcilerOptions } from './reconciler-options.ts'
import { ReturnedTargets } from './returned-targets.ts'
import { UpstreamWatch } from './upstream-watch.ts'
import { isClaimed, unansweredBy } from './watched-upstreams.ts'

export interface MarkKeeperOptions
  extends Pick<ReconcilerOptions, 'log' | 'metrics' | 'signal' | 'isPaused' | 'ejection' | 'ejections'> {
  readonly admin: ReconcilerOptions['kong']['admin']
  readonly mesh: string
  readonly mirror: KongMirror
  readonly decision: Pick<Decision, 'settingsOf' | 'ejectionGraceMs'>
  /** False while Kong cannot be reached, or nothing may be written. */
  readonly isActive: () => boolean
  readonly onFailure: (error: unknown) => void
  /** Kong lacks an upstream of the service that should be there, or one of its targets. */
  readonly onMissing: (upstreamId: string, service: string) => void
}

/**
 * Health marks of targets in a Kong: those that Kong made itself are taken back, and those of the time before an
 * instance came back; what a person or a plugin process keeps out stays out.
 */
export class MarkKeeper {
  /** Upstreams whose marks are looked after. */
  readonly watch: UpstreamWatch
  readonly #options: MarkKeeperOptions
  readonly #healer: PassiveHealer
  readonly #returned: ReturnedTargets

  constructor(options: MarkKeeperOptions) {
    this.#options = options
    const { admin, log, metrics, mirror, decision, signal, isActive, onFailure, onMissing } = options
    this.watch = new UpstreamWatch(options.isPaused)
    this.#healer = new PassiveHealer({
      ...{ admin, log, metrics, isActive, onFailure },
      upstreams: () => this.watch.unpaused(),
      recoverMs: (service) =>
        decision.settingsOf(service).settings.healthChecks.passive.recoverSeconds * 1000,
      isClaimed: (key) => isClaimed(mirror.get(key)),
      ejectedUntilMs: ({ name, service }, target) => this.#ejectedUntilMs(service, name, target),
      readClaim: async (parent, key) => {
        const fresh = await readEntity(admin, { kind: 'target', parent, id: key.slice('target/'.length) })
        if (fresh !== null) mirror.set(fresh)
        return isClaimed(fresh ?? undefined)
      },
      onMissing: ({ id, service }) => onMissing(id, service),
    })
    this.#returned = new ReturnedTargets({
      ...{ admin, signal, onFailure },
      look: (upstreamId, targets) => this.#healer.poke(upstreamId, targets),
      isClaimed: (target) => isClaimed(mirror.get(keyOf(target))) || this.#isEjected(target),
      hasEjected: (target) => this.#hasEjected(target),
    })
  }

  /** Ends when the signal aborts. */
  async run(): Promise<void> {
    await this.#healer.run(this.#options.signal)
  }

  /** Marks that stand now. */
  standing(): readonly StandingMark[] {
    return this.#healer.standing()
  }

  /** Takes away the mark of a target that a change brings back. */
  written(change: Change): void {
    this.#returned.written(change)
  }

  /** Ejections of these upstreams changed: their marks mean something else now. */
  ejectionsChanged(upstreams: readonly string[]): void {
    for (const name of upstreams) this.#healer.poke(entityId(this.#options.mesh, 'upstream', name))
  }

  /** Kong may have marked instances that a request failed at: with one that fails at all of them nobody is left to serve. */
  noteOutcome(outcome: ToldOutcome): void {
    if (!this.#options.isActive()) return
    for (const instance of unansweredBy(outcome))
      for (const id of this.watch.having(instance)) this.#healer.failed(id)
  }

  #isEjected({ owner, parent, name }: Entity): boolean {
    return (this.#ejectedUntilMs(owner, this.#upstreamName(parent), name) ?? 0) > Date.now()
  }

  /** Is an address of the host name ejected? */
  #hasEjected({ owner, parent, name }: Entity): boolean {
    const graceMs = this.#options.decision.ejectionGraceMs(owner)
    const all = ejectionsOf(this.#options.ejections?.() ?? [], this.#upstreamName(parent), name)
    return all.some((each) => claimEndMs(each, graceMs)! > Date.now())
  }

  #upstreamName(id: string): string {
    return this.#options.mirror.get(`upstream/${id}`)?.name ?? ''
  }

  /** @param instance an address of a host name is out as long as the name is, too */
  #ejectedUntilMs(service: string, upstream: string, instance: string): number | null {
    const { ejection, decision } = this.#options
    const graceMs = decision.ejectionGraceMs(service)
    const { target, address } = placeOf(instance)
    const whole = claimEndMs(ejection?.(upstream, target), graceMs)
    const own = address === null ? null : claimEndMs(ejection?.(upstream, instance), graceMs)
    return whole === null || own === null ? (whole ?? own) : Math.max(whole, own)
  }
}

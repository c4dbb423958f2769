import { certificatesOf } from '../core/certificates/upstream-tls.ts'
import type { Change } from '../core/diff.ts'
import { keyOf } from '../core/entity.ts'
import { restartsPlugins } from '../core/plugin-restarts.ts'
import type { Decision } from './decision.ts'
import type { KongMirror } from './kong-mirror.ts'
import type { LeftUpstreams, UpstreamChange } from './left-upstreams.ts'
import type { LoadedPlugins } from './loaded-plugins.ts'
import type { ReconcilerOptions } from './reconciler-options.ts'
import type { ServiceLocks } from './service-locks.ts'

export interface WriteRulesOptions
  extends Pick<ReconcilerOptions, 'dryRun' | 'signal' | 'refusal' | 'isPaused' | 'arePluginsAway'> {
  readonly decision: Pick<Decision, 'isUnread' | 'isOnHold' | 'wanted'>
  readonly plugins: Pick<LoadedPlugins, 'isUnwritable'>
  readonly locks: Pick<ServiceLocks, 'has'>
  readonly left: Pick<LeftUpstreams, 'keeps' | 'isRecent'>
  /** What Kong holds. */
  readonly mirror: Pick<KongMirror, 'has' | 'values' | 'get'>
  readonly isDbless: () => boolean
  readonly isKongUp: () => boolean
}

/** What the loop may write to a Kong at the moment: anything at all, this service, this change. */
export class WriteRules {
  readonly #options: WriteRulesOptions
  /** Has something waited for the plugins? */
  #isBehindPlugins = false

  constructor(options: WriteRulesOptions) {
    this.#options = options
  }

  /** May this operator write, whatever becomes of Kong? */
  get mayWrite(): boolean {
    return (this.#options.refusal?.() ?? null) === null
  }

  /** Why nothing is written now; null when it is. A dry run plans as if it wrote. */
  get obstacle(): string | null {
    if (this.#options.signal.aborted) return 'the operator is stopping'
    if (!this.#options.isKongUp()) return 'Kong cannot be reached'
    return this.#options.refusal?.() ?? null
  }

  /** Why this operator writes nothing now; null when it does. */
  get refusal(): string | null {
    return this.#options.dryRun ? 'this is a dry run' : this.obstacle
  }

  /** Is the service left alone, because somebody paused it or writes it for a person? */
  isPaused(service: string): boolean {
    return this.#options.locks.has(service) || (this.#options.isPaused?.(service) ?? false)
  }

  /** Does the change wait, or can it not be written? */
  isHeld(change: Change): boolean {
    const { decision, left } = this.#options
    // Asked first: who waits for an upstream is told when it may go.
    return left.keeps(this.#ofUpstream(change)) || this.isOutOfReach(change) || decision.isOnHold(change)
  }

  /** Can it not be written, whatever a person says? */
  isOutOfReach(change: Change): boolean {
    const { decision, plugins, left } = this.#options
    if (decision.isUnread(change) || plugins.isUnwritable(change)) return true
    if (left.isRecent(this.#ofUpstream(change))) return true
    return this.#waitsForCertificates(change) || this.#waitsForPlugins(change)
  }

  /** @returns whether something has waited for plugins that answer now; then it is told once */
  takeUnblocked(): boolean {
    if (!this.#isBehindPlugins || this.#arePluginsAway()) return false
    this.#isBehindPlugins = false
    return true
  }

  /** A service waits for what it refers to, its routes and plugins with it, and that for the last that refers to it. */
  #waitsForCertificates({ action, entity }: Change): boolean {
    const { mirror, decision } = this.#options
    if (action !== 'delete') {
      const parent = `service/${entity.parent}`
      const isBelow = (entity.kind === 'route' || entity.kind === 'plugin') && !mirror.has(parent)
      // As it is wanted: certificates that a person gave a service of ours are not in the mirror, and are there.
      const service = decision.wanted.get(isBelow ? parent : keyOf(entity))
      return service !== undefined && certificatesOf(service).some((key) => !mirror.has(key))
    }
    if (entity.kind !== 'certificate' && entity.kind !== 'ca_certificate') return false
    for (const each of mirror.values()) if (certificatesOf(each).includes(keyOf(entity))) return true
    return false
  }

  #ofUpstream(change: Change): UpstreamChange {
    const { action, entity, service } = change
    if (action !== 'delete') return { action, entity, service, upstream: '' }
    const upstream = entity.kind === 'target' ? this.#options.mirror.get(`upstream/${entity.parent}`) : entity
    return { action, entity, service, upstream: upstream?.kind === 'upstream' ? upstream.name : '' }
  }

  #waitsForPlugins(change: Change): boolean {
    const isWaiting = this.#arePluginsAway() && restartsPlugins(change, this.#options.isDbless())
    this.#isBehindPlugins ||= isWaiting
    return isWaiting
  }

  #arePluginsAway(): boolean {
    return this.#options.arePluginsAway?.() ?? false
  }
}

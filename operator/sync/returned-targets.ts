import type { Change } from '../core/diff.ts'
import type { Entity } from '../core/entity.ts'
import type { KongAdmin } from '../kong/kong-admin.ts'
import { markTarget } from '../kong/marks.ts'
import { weightComesBack } from './watched-upstreams.ts'

export interface ReturnOptions {
  readonly admin: KongAdmin
  readonly signal: AbortSignal
  /** Asks for a look at the marks of an upstream, for targets that came back. */
  readonly look: (upstreamId: string, targets: readonly string[]) => void
  /** Does a person, or a plugin process, keep the target out? */
  readonly isClaimed: (target: Entity) => boolean
  /** Does a plugin process keep a part of it out, an address of a host name? */
  readonly hasEjected: (target: Entity) => boolean
  readonly onFailure: (error: unknown) => void
}

const NEW_UPSTREAM_MS = 1000

/** Takes away the marks of targets that Consul brings back: they are of the time when the instance had failed. */
export class ReturnedTargets {
  readonly #options: ReturnOptions
  readonly #newUpstreams = new Set<string>()

  constructor(options: ReturnOptions) {
    this.#options = options
  }

  written(change: Change): void {
    if (change.entity.kind === 'upstream' && change.action === 'create') this.#noteNew(change.entity.id)
    const target = weightComesBack(change)
    // Nothing can be marked in an upstream that was made a moment ago.
    if (target === null || this.#newUpstreams.has(target.parent)) return
    if (this.#options.isClaimed(target)) return
    this.#options.look(target.parent, [target.name])
    // Known to Kong before: on all its nodes, of which a look sees one.
    if (change.before !== null && !this.#options.hasEjected(target)) void this.#markHealthy(target)
  }

  #noteNew(upstreamId: string): void {
    this.#newUpstreams.add(upstreamId)
    setTimeout(() => this.#newUpstreams.delete(upstreamId), NEW_UPSTREAM_MS).unref()
  }

  async #markHealthy({ parent, name }: Entity): Promise<void> {
    try {
      await markTarget(this.#options.admin, parent, name, 'healthy', this.#options.signal)
    } catch (error) {
      this.#options.onFailure(error)
    }
  }
}

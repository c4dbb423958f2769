import { type ConfigDocument, weightedTargets } from '../core/declarative-config.ts'
import type { Change } from '../core/diff.ts'
import type { KongAdmin } from './kong-admin.ts'
import { markTarget } from './marks.ts'

export interface EarlyMarkOptions {
  readonly admin: KongAdmin
  readonly signal: AbortSignal
  /** What Kong holds. */
  readonly document: () => ConfigDocument
  readonly onFailure: (error: unknown) => void
}

/**
 * An instance that is out must not wait for a batch: Kong takes marks at once, and keeps them through a configuration.
 */
export class EarlyMarks {
  readonly #options: EarlyMarkOptions
  #out: Change[] = []

  constructor(options: EarlyMarkOptions) {
    this.#options = options
  }

  /** Told of each change that waits; what came together is looked at together. */
  note(change: Change): void {
    if (!takesWeight(change)) return
    if (this.#out.length === 0) setImmediate(() => this.#mark())
    this.#out.push(change)
  }

  #mark(): void {
    const { admin, signal, document, onFailure } = this.#options
    const changes = this.#out
    this.#out = []
    for (const [upstreamId, names] of namesByUpstream(changes)) {
      // Whoever takes over comes with the batch: until then the old ones are all there is.
      if (!weightedTargets(document(), upstreamId).some((target) => !names.has(target))) continue
      for (const name of names) markTarget(admin, upstreamId, name, 'unhealthy', signal).catch(onFailure)
    }
  }
}

const takesWeight = ({ action, entity, before }: Change): boolean =>
  entity.kind === 'target' &&
  before !== null &&
  Number(before.fields.weight) > 0 &&
  (action === 'delete' || Number(entity.fields.weight) === 0)

function namesByUpstream(changes: readonly Change[]): ReadonlyMap<string, ReadonlySet<string>> {
  const groups = new Map<string, Set<string>>()
  for (const { entity } of changes) {
    const names = groups.get(entity.parent)
    if (names === undefined) groups.set(entity.parent, new Set([entity.name]))
    else names.add(entity.name)
  }
  return groups
}

import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { forgetRemoved, noteRemoved, type Removed, refusedKeys } from '../core/removal-war.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { KongMirror } from './kong-mirror.ts'

const NONE: ReadonlySet<string> = new Set()

/** Notices entities that somebody removes from Kong as often as they are created. */
export class RemovalWatch {
  readonly #options: { readonly log: Logger; readonly mesh: string }
  #removed: Removed = new Map()

  constructor(options: { readonly log: Logger; readonly mesh: string }) {
    this.#options = options
  }

  /** Notes what the mirror found missing though it is wanted. */
  review(mirror: KongMirror, wanted: KongState, nowMs: number): void {
    const gone = mirror.takeGone().filter((entity) => wanted.has(keyOf(entity)))
    if (gone.length === 0) return
    const { log, mesh } = this.#options
    const before = this.refused(nowMs)
    this.#removed = noteRemoved(this.#removed, gone, mirror.state(), mesh, nowMs)
    for (const key of this.refused(nowMs)) {
      if (before.has(key)) continue
      const { kind, name, owner } = wanted.get(key)!
      log.warn('removed by somebody three times: not created again', {
        code: 'REMOVED_REPEATEDLY',
        service: owner,
        kind,
        name,
      })
    }
  }

  /** Keys that are not to be created. */
  refused(nowMs: number): ReadonlySet<string> {
    return this.#removed.size === 0 ? NONE : refusedKeys(this.#removed, nowMs)
  }

  /** Somebody wants these whatever happened before. */
  forget(entities: readonly Entity[]): void {
    this.#removed = forgetRemoved(this.#removed, entities.map(keyOf))
  }
}

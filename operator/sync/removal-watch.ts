import { type Entity, type KongState, keyOf } from '../core/entity.ts'
import { forgetRemoved, noteRemoved, type Removed, refusedKeys } from '../core/removal-war.ts'
import type { KongMirror } from './kong-mirror.ts'

const NONE: ReadonlySet<string> = new Set()

/** Notices entities that somebody removes from Kong as often as they are created. */
export class RemovalWatch {
  readonly #mesh: string
  #removed: Removed = new Map()

  constructor(mesh: string) {
    this.#mesh = mesh
  }

  /** Notes what the mirror found missing though it is wanted. */
  review(mirror: KongMirror, wanted: KongState, nowMs: number): void {
    const gone = mirror.takeGone().filter((entity) => wanted.has(keyOf(entity)))
    if (gone.length === 0) return
    this.#removed = noteRemoved(this.#removed, gone, mirror.state(), this.#mesh, nowMs)
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

import { createHash } from 'node:crypto'
import type { MeshView } from '../core/mesh-view.ts'

/** A view and the number to ask for the next one with. */
export interface NumberedView extends MeshView {
  readonly index: number
}

/** What changes at once is told once: within this time, in ms. */
const GATHER_MS = 20

/** The view of the mesh for plugin processes that wait for the next one. */
export class MeshFeed {
  readonly #read: () => MeshView
  readonly #waiting = new Set<() => void>()
  #view: NumberedView | null = null
  #text = ''
  #isDue = true
  #timer: NodeJS.Timeout | null = null

  /** @param read makes the view; called only while somebody wants it */
  constructor(read: () => MeshView) {
    this.#read = read
  }

  /** Something may have changed. */
  changed(): void {
    this.#isDue = true
    if (this.#waiting.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      const before = this.#view?.index
      if (this.current().index !== before) for (const wake of this.#waiting) wake()
    }, GATHER_MS)
    this.#timer.unref()
  }

  current(): NumberedView {
    if (!this.#isDue && this.#view !== null) return this.#view
    this.#isDue = false
    const view = this.#read()
    const text = JSON.stringify(view)
    if (text === this.#text && this.#view !== null) return this.#view
    this.#text = text
    this.#view = { index: indexOf(text), ...view }
    return this.#view
  }

  /** The view as soon as it is another than the one of `index`, or after `waitMs`. */
  async next(index: number, waitMs: number, signal: AbortSignal): Promise<NumberedView> {
    const now = this.current()
    if (now.index !== index || waitMs <= 0 || signal.aborted) return now
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      const timer = setTimeout(done, waitMs)
      signal.addEventListener('abort', done, { once: true })
      this.#waiting.add(done)
    })
    return this.current()
  }
}

/** The same view has the same number at every operator, and after a restart. 48 bits: never 0, which nobody has seen. */
const indexOf = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6) || 1

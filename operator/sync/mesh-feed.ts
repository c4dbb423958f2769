import { type ServiceView, type ViewedService, viewOf } from '../core/mesh-view.ts'

/** What has changed since the view of another index; everything where that is not known any more. */
export interface MeshChanges {
  /** To ask for what comes next with. */
  readonly index: number
  /** True: `services` are all there are. */
  readonly full: boolean
  readonly services: readonly ServiceView[]
  /** Ids of Kong services that are gone. */
  readonly removed: readonly string[]
}

interface Known {
  readonly source: ViewedService
  /** null: nothing in Kong. */
  readonly view: ServiceView | null
  readonly text: string
  readonly changedAt: number
}

/** What changes at once is told once: within this time, in ms. */
const GATHER_MS = 20
/** Removals that are remembered; whoever asks from before them is told everything. */
const MOST_REMOVALS = 10_000

/**
 * The view of the mesh for plugin processes that wait for the next one. They are told what changed: with thousands of
 * services the whole view at every change would keep operator and plugins busy with nothing else.
 */
export class MeshFeed {
  readonly #read: () => readonly ViewedService[]
  readonly #waiting = new Set<() => void>()
  #known: ReadonlyMap<string, Known> = new Map()
  #removals: { readonly serviceId: string; readonly at: number }[] = []
  /** The oldest index from which changes can be told. */
  readonly #firstIndex: number
  #oldestIndex: number
  #index: number
  #current: readonly ServiceView[] | null = null
  #isDue = true
  #timer: NodeJS.Timeout | null = null

  /**
   * @param read the services; called only while somebody wants them
   * @param firstIndex indices count up from here: another operator's, and those from before a restart, must not meet them
   */
  constructor(read: () => readonly ViewedService[], firstIndex: number) {
    this.#read = read
    this.#firstIndex = firstIndex
    this.#oldestIndex = firstIndex
    this.#index = firstIndex
  }

  /** Something may have changed. */
  changed(): void {
    this.#isDue = true
    if (this.#waiting.size === 0) return
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#update()
    }, GATHER_MS)
    this.#timer.unref()
  }

  /** All services that have something in Kong, sorted by name; the same list as long as nothing changed. */
  current(): readonly ServiceView[] {
    this.#update()
    this.#current ??= [...this.#known.values()]
      .map(({ view }) => view)
      .filter((view) => view !== null)
      .sort((left, right) => (left.service < right.service ? -1 : 1))
    return this.#current
  }

  /** What changed since `index`, as soon as there is something, or after `waitMs`. */
  async next(index: number, waitMs: number, signal: AbortSignal): Promise<MeshChanges> {
    this.#update()
    if (this.#index !== index || waitMs <= 0 || signal.aborted) return this.#since(index)
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
    this.#update()
    return this.#since(index)
  }

  #since(index: number): MeshChanges {
    if (index < this.#oldestIndex || index > this.#index || index === this.#firstIndex) {
      return { index: this.#index, full: true, services: this.current(), removed: [] }
    }
    const services = [...this.#known.values()].flatMap(({ view, changedAt }) =>
      view !== null && changedAt > index ? [view] : [],
    )
    const back = new Set(services.map(({ serviceId }) => serviceId))
    const gone = this.#removals.filter(({ serviceId, at }) => at > index && !back.has(serviceId))
    return { index: this.#index, full: false, services, removed: gone.map(({ serviceId }) => serviceId) }
  }

  #update(): void {
    if (!this.#isDue) return
    this.#isDue = false
    const next = this.#index + 1
    const known = new Map<string, Known>()
    let isNews = false
    for (const source of this.#read()) {
      const before = this.#known.get(source.service)
      const each = before !== undefined && isSame(before.source, source) ? before : made(source, before, next)
      known.set(source.service, each)
      if (each.changedAt !== next) continue
      isNews = true
      if (before?.view && before.view.serviceId !== each.view?.serviceId) this.#remove(before.view, next)
    }
    for (const [service, { view }] of this.#known) {
      if (known.has(service) || view === null) continue
      isNews = true
      this.#remove(view, next)
    }
    this.#known = known
    if (!isNews) return
    this.#index = next
    this.#current = null
    // Whoever looked: somebody who only reads may have come before the timer, and the next change may be long in coming.
    for (const wake of this.#waiting) wake()
  }

  #remove({ serviceId }: ServiceView, at: number): void {
    this.#removals.push({ serviceId, at })
    if (this.#removals.length <= MOST_REMOVALS) return
    this.#removals = this.#removals.slice(MOST_REMOVALS / 2)
    this.#oldestIndex = this.#removals[0]!.at
  }
}

const isSame = (before: ViewedService, now: ViewedService): boolean =>
  before.entities === now.entities &&
  before.instances === now.instances &&
  before.mode === now.mode &&
  before.upstreams === now.upstreams &&
  before.faults === now.faults

/** What says the same as before is no change. */
function made(source: ViewedService, before: Known | undefined, at: number): Known {
  const view = viewOf(source)
  const text = JSON.stringify(view)
  if (before?.text === text) return { ...before, source }
  return { source, view, text, changedAt: at }
}

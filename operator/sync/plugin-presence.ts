import { SILENT_MS } from './circuit-book.ts'

export interface PluginPresenceOptions {
  /** Whether a plugin process is there, or how long none has been, means something else now. */
  readonly onChange: () => void
  /** Monotonic, in ms. */
  readonly clock?: () => number
  /** Epoch ms. */
  readonly wallNowMs?: () => number
}

interface Node {
  heardMs: number
  /** Of connections by which it told and which are open. */
  readonly connections: Set<object>
  /** Since when all of them are closed; null while one is open. */
  leftMs: number | null
}

interface Away {
  readonly name: string
  readonly awayMs: number
}

/** A process that ends is replaced within this: nothing to tell people of. */
const BRIEF_MS = 2_000
/** A node that is gone for so long while others are there was taken away. */
const MISSED_MS = 20_000

/**
 * Is a plugin process there for each node of Kong that had one? It is known as soon as the last connection of a process
 * is closed. Nothing is known of a node that has never told.
 */
export class PluginPresence {
  readonly #options: PluginPresenceOptions
  readonly #clock: () => number
  readonly #nodes = new Map<string, Node>()
  readonly #timers = new Set<NodeJS.Timeout>()

  constructor(options: PluginPresenceOptions) {
    this.#options = options
    this.#clock = options.clock ?? (() => performance.now())
  }

  /** A process has told of itself by a connection. @returns whether it has not by this one before */
  heard(name: string, connection: object): boolean {
    const wasAway = this.isAway
    const node = this.#nodes.get(name) ?? { heardMs: 0, connections: new Set(), leftMs: null }
    this.#nodes.set(name, node)
    node.heardMs = this.#clock()
    const isNew = !node.connections.has(connection)
    node.connections.add(connection)
    node.leftMs = null
    this.#forgetTakenAway()
    if (wasAway && !this.isAway) this.#options.onChange()
    return isNew
  }

  /** A connection is closed. */
  closed(name: string, connection: object): void {
    this.#forgetTakenAway()
    const node = this.#nodes.get(name)
    if (node === undefined || !node.connections.delete(connection) || node.connections.size > 0) return
    node.leftMs = this.#clock()
    this.#lookAgain(BRIEF_MS)
    this.#lookAgain(MISSED_MS)
  }

  /** Is a node of Kong without its process? */
  get isAway(): boolean {
    return this.#missing().length > 0
  }

  /** Nodes that have been without their process for longer than it takes to replace one, since when (epoch ms). */
  silent(): { readonly nodes: readonly string[]; readonly since: number } | null {
    const now = this.#clock()
    const missing = this.#missing().filter(({ awayMs }) => awayMs > BRIEF_MS)
    if (missing.length === 0) return null
    const wallNowMs = this.#options.wallNowMs?.() ?? Date.now()
    const heardMs = Math.min(...missing.map(({ name }) => this.#nodes.get(name)!.heardMs))
    return { nodes: missing.map(({ name }) => name), since: Math.round(wallNowMs - (now - heardMs)) }
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #lookAgain(afterMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#options.onChange()
    }, afterMs + 1)
    timer.unref()
    this.#timers.add(timer)
  }

  /** While another node is there; should that one leave too, only nodes that were there lately are waited for. */
  #forgetTakenAway(): void {
    const away = this.#away()
    if (away.length === this.#nodes.size) return
    for (const { name, awayMs } of away) if (awayMs > MISSED_MS) this.#nodes.delete(name)
  }

  /** Nodes without their process, but for those that were taken away. */
  #missing(): readonly Away[] {
    const away = this.#away()
    return away.length === this.#nodes.size ? away : away.filter(({ awayMs }) => awayMs <= MISSED_MS)
  }

  #away(): readonly Away[] {
    const now = this.#clock()
    return [...this.#nodes].flatMap(([name, { heardMs, leftMs }]) => {
      const awayMs = Math.max(leftMs === null ? 0 : now - leftMs, now - heardMs - SILENT_MS)
      return leftMs !== null || awayMs > 0 ? [{ name, awayMs }] : []
    })
  }
}

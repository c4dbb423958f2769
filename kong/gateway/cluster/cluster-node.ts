/**
 * One node of a cluster: gateways that share a state file as Kong nodes share a database. The Admin API reads and
 * writes the `database`, which is never older than the file; the data plane follows with `runtime`, which has the
 * node's own writes at once and those of others after the update interval.
 */

import { COLLECTIONS } from '../schema/schemas.ts'
import { type Change, Store } from '../store.ts'
import type { Commit, Mark, RowChange, Snapshot } from './state-lines.ts'
import { type News, StateLog } from './state-log.ts'

export interface ClusterOptions {
  readonly path: string
  readonly nodeId: string
  /** How often changes of other nodes reach the data plane, in ms. */
  readonly updateMs: number
  readonly onProblem: (error: unknown) => void
}

/** Marks that are kept for nodes that did not look for a while. */
const MAX_MARKS = 1_000

interface Work {
  run(): unknown
  resolve(value: never): void
  reject(error: unknown): void
}

export class ClusterNode {
  readonly database = new Store()
  readonly runtime = new Store()
  readonly #options: ClusterOptions
  readonly #log: StateLog
  /** Changes of the database that the runtime does not have yet. */
  readonly #pending: Change[] = []
  /** Changes and marks of the work being done, not yet in the file. */
  #own: { changes: RowChange[]; marks: Mark[] } | undefined
  #isCommitting = false
  #marks: readonly Mark[] = []
  #appliedMark = 0
  #applyMark: (mark: Mark) => void = () => {}
  #waiting: Work[] = []
  #working: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  private constructor(options: ClusterOptions) {
    this.#options = options
    this.#log = new StateLog(options.path)
    this.database.onChange((change) => {
      this.#pending.push(change)
      this.#own?.changes.push([change.collection, change.id, change.after ?? null])
    })
  }

  /** @throws when the file cannot be used, naming it. */
  static async open(options: ClusterOptions): Promise<ClusterNode> {
    const node = new ClusterNode(options)
    node.#take(await node.#log.open())
    node.#appliedMark = node.#lastMark()
    node.#flush()
    return node
  }

  /** From now on the data plane follows the others. `applyMark` gets the marks that other nodes set. */
  follow(applyMark: (mark: Mark) => void): void {
    this.#applyMark = applyMark
    this.#timer = setInterval(() => this.#update(), this.#options.updateMs).unref()
  }

  /** Brings the database up to date with the file, so that what is read is what every node has committed. */
  refresh(): void {
    if (!this.#isCommitting) this.#take(this.#log.read())
  }

  /**
   * Does work that changes rows while no other node can. Resolves with its result when the changes are on the disk;
   * works that wait at the same time go there together. Rejects with what the work throws.
   */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject })
      this.#working ??= this.#workOff()
    })
  }

  /** Tells the other nodes of a mark; within `write`. */
  announce(mark: Omit<Mark, 'sequence' | 'node'>): void {
    const sequence = this.#lastMark() + 1
    const announced: Mark = { ...mark, sequence, node: this.#options.nodeId }
    this.#own?.marks.push(announced)
    this.#keepMarks([announced])
  }

  /** Waits for works at hand. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#working
    this.#log.close()
  }

  async #workOff(): Promise<void> {
    while (this.#waiting.length > 0) {
      const works = this.#waiting
      this.#waiting = []
      try {
        await this.#commit(works)
      } catch (error) {
        for (const { reject } of works) reject(error)
      }
    }
    // In the same step as the look at the queue, or what is queued in between would wait for ever.
    this.#working = undefined
  }

  async #commit(works: readonly Work[]): Promise<void> {
    const lock = await this.#log.lock()
    try {
      this.refresh()
      this.#isCommitting = true
      const hash = this.database.configurationHash
      const own = { changes: [] as RowChange[], marks: [] as Mark[] }
      this.#own = own
      const settle = works.map(settled)
      this.#own = undefined
      const configurationHash = this.database.configurationHash
      const isHashNew = configurationHash !== undefined && configurationHash !== hash
      if (own.changes.length > 0 || own.marks.length > 0 || isHashNew) {
        await this.#log.append({ ...own, ...(isHashNew ? { configurationHash } : {}) })
        if (this.#log.isLarge || this.#log.isRemoved) this.#log.compact(this.#snapshot())
      }
      this.#isCommitting = false
      this.#flush()
      for (const done of settle) done()
    } catch (error) {
      this.#startAgain()
      throw error
    } finally {
      this.#isCommitting = false
      this.#own = undefined
      lock.release()
    }
  }

  /** After a failed write the file alone says what is true. */
  #startAgain(): void {
    this.#isCommitting = false
    this.#own = undefined
    try {
      this.#take(this.#log.readAgain())
    } catch (error) {
      this.#options.onProblem(error)
    }
  }

  #update(): void {
    try {
      this.refresh()
      if (!this.#isCommitting) this.#flush()
    } catch (error) {
      this.#options.onProblem(error)
    }
  }

  #take({ snapshot, commits }: News): void {
    if (snapshot) {
      this.database.replaceAll(snapshot.rows)
      this.database.configurationHash = snapshot.configurationHash
      this.#keepMarks(snapshot.marks)
    }
    for (const commit of commits) this.#takeCommit(commit)
  }

  #takeCommit({ changes, marks, configurationHash }: Commit): void {
    for (const [collection, id, row] of changes) {
      if (row) this.database.put(collection, row)
      else this.database.delete(collection, id)
    }
    if (configurationHash !== undefined) this.database.configurationHash = configurationHash
    if (marks) this.#keepMarks(marks)
  }

  #flush(): void {
    for (const { collection, id, after } of this.#pending.splice(0)) {
      if (after) this.runtime.put(collection, after)
      else this.runtime.delete(collection, id)
    }
    for (const mark of this.#marks) {
      if (mark.sequence <= this.#appliedMark) continue
      if (mark.node !== this.#options.nodeId) this.#applyMark(mark)
    }
    this.#appliedMark = this.#lastMark()
  }

  #keepMarks(marks: readonly Mark[]): void {
    const last = this.#lastMark()
    const news = marks.filter(({ sequence }) => sequence > last)
    if (news.length > 0) this.#marks = [...this.#marks, ...news].slice(-MAX_MARKS)
  }

  #lastMark(): number {
    return this.#marks.at(-1)?.sequence ?? 0
  }

  #snapshot(): Snapshot {
    return {
      rows: new Map(COLLECTIONS.map((collection) => [collection, [...this.database.all(collection)]])),
      marks: this.#marks,
      configurationHash: this.database.configurationHash,
    }
  }
}

/** Runs a work; what it came to is told when the returned function is called. */
function settled({ run, resolve, reject }: Work): () => void {
  try {
    const value = run() as never
    return () => resolve(value)
  } catch (error) {
    return () => reject(error)
  }
}

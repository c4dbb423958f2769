import { setTimeout as delay } from 'node:timers/promises'
import type { MeshOptions } from '../core/desired.ts'
import { keyOf } from '../core/entity.ts'
import type { KongTarget } from '../kong/kong-target.ts'
import { readLists } from '../kong/read-state.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { KongConnection } from './kong-connection.ts'
import type { KongMirror } from './kong-mirror.ts'
import { coveredByLists, mergeTargets, readSpread } from './read-spread.ts'

export interface KongReadOptions {
  readonly kong: KongTarget
  readonly mirror: KongMirror
  readonly mesh: MeshOptions
  readonly log: Logger
  readonly signal: AbortSignal
  readonly connection: () => KongConnection
  /** The mirror may differ from what was decided. */
  readonly onRead: () => void
}

/** The ways Kong is read into the mirror: whole, spread out, and after a surprise. One at a time. */
export class KongReads {
  readonly #options: KongReadOptions
  #reading: Promise<void> | null = null

  constructor(options: KongReadOptions) {
    this.#options = options
  }

  /**
   * Everything, as fast as Kong answers: at the start and when it comes back.
   * @throws KongError
   */
  async all(): Promise<void> {
    const { kong, mirror } = this.#options
    const since = mirror.now()
    const state = await kong.read()
    mirror.merge(state, () => true, since)
  }

  /** Everything, at once: another operator may have written. */
  async anew(): Promise<void> {
    while (this.#reading !== null) await this.#reading
    await this.#run(() => this.all())
  }

  /** Everything, a little at a time: the periodic resync. */
  async spread(): Promise<void> {
    while (this.#reading !== null) await this.#reading
    if (!this.#options.connection().isUp) return
    const { kong, mirror } = this.#options
    await this.#run(() => (kong.isDbless ? this.all() : readSpread(kong.admin, mirror, this.#options)))
  }

  /** Something that should be there is not: was it one entity, or everything? */
  async again(upstreamIds: readonly string[]): Promise<void> {
    if (this.#reading !== null || !this.#options.connection().isUp) return
    const { kong, mirror, log } = this.#options
    if (kong.isDbless) return await this.#run(() => this.all())
    const { admin } = kong
    await this.#run(async () => {
      const since = mirror.now()
      const read = new Map((await readLists(admin)).map((entity) => [keyOf(entity), entity]))
      mirror.merge(read, coveredByLists(read), since)
      for (const id of upstreamIds) if (read.has(`upstream/${id}`)) await mergeTargets(admin, mirror, id)
      log.info('Kong was read again: something was missing', { entities: mirror.size })
    })
  }

  /** A node without database may be given another configuration by anybody, at any time. */
  async watchConfig(everyMs: number, isActive: () => boolean): Promise<void> {
    const { kong, signal, log, connection } = this.#options
    while (!signal.aborted) {
      await delay(everyMs, undefined, { signal }).catch(() => {})
      if (!kong.isDbless || !connection().isUp || this.#reading !== null || !isActive()) continue
      try {
        if (!(await kong.hasChanged())) continue
        log.info('Kong has another configuration: it is read and completed', { node: kong.admin.url })
        await this.#run(() => this.all())
      } catch (error) {
        connection().report(error)
      }
    }
  }

  async #run(read: () => Promise<void>): Promise<void> {
    const { log, connection, onRead } = this.#options
    this.#reading = read().catch((error: unknown) => {
      log.warn('Kong could not be read again', { reason: String((error as Error).message) })
      connection().report(error)
    })
    await this.#reading
    this.#reading = null
    onRead()
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { backoffMs } from '../consul/backoff.ts'
import type { MeshOptions } from '../core/desired.ts'
import type { KongTarget } from '../kong/kong-target.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { KongConnection } from './kong-connection.ts'
import type { KongMirror } from './kong-mirror.ts'
import { mergeLists, mergeTargets, readSpread } from './read-spread.ts'

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

const RETRY = { firstMs: 100, maxMs: 5000 }

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
    await mirror.read(
      () => kong.read(),
      () => true,
    )
  }

  /** Everything, at once: another operator may have written. */
  async anew(): Promise<void> {
    await this.#untilRead(() => this.all())
  }

  /** Everything, a little at a time: the periodic resync. */
  async spread(): Promise<void> {
    const { kong, mirror } = this.#options
    await this.#untilRead(() => (kong.isDbless ? this.all() : readSpread(kong.admin, mirror, this.#options)))
  }

  /** Something that should be there is not: was it one entity, or everything? */
  async again(upstreamIds: readonly string[]): Promise<void> {
    if (this.#reading !== null || !this.#options.connection().isUp) return
    const { kong, mirror, log } = this.#options
    if (kong.isDbless) {
      await this.#run(() => this.all())
      return
    }
    const { admin } = kong
    await this.#run(async () => {
      const read = await mergeLists(admin, mirror)
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

  /** Tries again what Kong refuses to answer; when it cannot be reached, everything is read once it is back. */
  async #untilRead(read: () => Promise<void>): Promise<void> {
    const { connection, signal } = this.#options
    for (let attempt = 0; !signal.aborted; attempt++) {
      while (this.#reading !== null) await this.#reading
      if (!connection().isUp || (await this.#run(read))) return
      await delay(backoffMs(attempt, RETRY, Math.random()), undefined, { signal }).catch(() => {})
    }
  }

  /** @returns whether it was read */
  async #run(read: () => Promise<void>): Promise<boolean> {
    const { log, connection, onRead } = this.#options
    let isRead = true
    this.#reading = read().catch((error: unknown) => {
      isRead = false
      log.warn('Kong could not be read again', { reason: String((error as Error).message) })
      connection().report(error)
    })
    await this.#reading
    this.#reading = null
    onRead()
    return isRead
  }
}

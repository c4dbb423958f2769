import type { Change, DiffOptions } from '../core/diff.ts'
import type { Entity, KongState } from '../core/entity.ts'
import { judgeNodes, type NodeKind, type NodesVerdict, otherKindMessage } from '../core/kong-nodes.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { ConfigWriter } from './config-writer.ts'
import type { Executed } from './execute.ts'
import { isControlPlane } from './is-control-plane.ts'
import type { KongAdmin } from './kong-admin.ts'
import { entityWriter, type KongWriter } from './kong-writer.ts'
import { probeNode } from './probe-node.ts'

export interface KongTargetOptions {
  /** Calls go to one of `urls`; which one is decided at each connect. */
  readonly admin: KongAdmin
  /** Of one Kong with a database, or of one node without, or not known yet which. */
  readonly urls: readonly string[]
  /** An admin for another node, for a look at what it is. */
  readonly adminFor: (url: string) => KongAdmin
  /** Where there are other nodes, of which kind they are. */
  readonly only?: NodeKind
  readonly mesh: string
  readonly metrics: Metrics
  readonly signal: AbortSignal
  /** Nodes that were found to be of another database. */
  readonly isRefused?: (url: string) => boolean
  /** The other nodes have no database either: this target goes on with `url` alone. */
  readonly onDbless?: (url: string) => void
  /** Somebody else has posted a configuration. */
  readonly onForeign: (state: KongState) => void
  readonly onFailure: (error: unknown) => void
}

/** The Admin URLs cannot be used together; nothing is written. */
export class MixedKongError extends Error {
  override readonly name = 'MixedKongError'
  readonly code = 'KONG_MIXED'
}

/** What one reconciler reads and writes: a Kong with a database, by any of its nodes, or one node without. */
export class KongTarget implements KongWriter {
  readonly admin: KongAdmin
  readonly #options: KongTargetOptions
  readonly #entities: KongWriter
  #urls: readonly string[]
  #kind: NodeKind | null = null
  #config: ConfigWriter | null = null
  #isControlPlane = false

  constructor(options: KongTargetOptions) {
    this.#options = options
    this.admin = options.admin
    this.#urls = options.urls
    this.#entities = entityWriter(options.admin, options.mesh)
  }

  /** The nodes it may be reached by. */
  get urls(): readonly string[] {
    return this.#urls
  }

  /** null until a node has answered. */
  get kind(): NodeKind | null {
    return this.#kind
  }

  get isDbless(): boolean {
    return this.#config !== null
  }

  /** No health marks can be made by it: what is ejected has to lose its weight instead. */
  get isControlPlane(): boolean {
    return this.#isControlPlane
  }

  /**
   * Finds out which node to use and how it is written to.
   * @throws Error when none answers, or when they are not of one kind
   */
  async connect(): Promise<void> {
    const verdict = await this.#judge()
    if (verdict.kind === 'silent') throw verdict.error
    if (verdict.kind === 'mixed') throw new MixedKongError(verdict.message)
    this.admin.use(verdict.use)
    this.#kind = verdict.kind
    if (verdict.kind === 'database') this.#config = null
    else this.#config ??= this.#configWriter()
    this.#isControlPlane = verdict.kind === 'database' && (await isControlPlane(this.admin))
    if (verdict.kind === 'dbless' && this.#urls.length > 1) {
      this.#urls = [verdict.use]
      this.#options.onDbless?.(verdict.use)
    }
  }

  read(): Promise<KongState> {
    return this.#writer.read()
  }

  /** Has somebody else written the configuration of a node without database? @throws KongError */
  async hasChanged(): Promise<boolean> {
    return (await this.#config?.hasChanged()) ?? false
  }

  steps(changes: readonly Change[]): readonly (readonly Change[])[] {
    return this.#writer.steps(changes)
  }

  execute(change: Change, wanted: Entity | null, options: DiffOptions): Promise<Executed> {
    return this.#writer.execute(change, wanted, options)
  }

  get #writer(): KongWriter {
    return this.#config ?? this.#entities
  }

  #configWriter(): ConfigWriter {
    const { admin, metrics, signal, onForeign, onFailure } = this.#options
    return new ConfigWriter({ admin, metrics, signal, onForeign, onFailure })
  }

  async #judge(): Promise<NodesVerdict> {
    const { adminFor, urls, only } = this.#options
    const isAlone = this.#urls.length === 1
    const usable = this.#urls.filter((url) => !(this.#options.isRefused?.(url) ?? false))
    const probes = await Promise.all(usable.map((url) => probeNode(isAlone ? this.admin : adminFor(url))))
    const verdict = judgeNodes(probes, this.admin.url)
    // A Kong that is alone may be given a database, or be freed of it; one of several may not differ from the others.
    const expected = only ?? (urls.length > 1 ? this.#kind : null)
    const isOther = 'use' in verdict && expected !== null && verdict.kind !== expected
    return isOther ? { kind: 'mixed', message: otherKindMessage(verdict.use, verdict.kind) } : verdict
  }
}

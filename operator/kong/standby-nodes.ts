import { setTimeout as delay } from 'node:timers/promises'
import { otherKindMessage } from '../core/kong-nodes.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'
import { probeNode } from './probe-node.ts'

export interface StandbyOptions {
  /** All nodes of the database; the one in use among them. None: nothing is looked at. */
  readonly urls: () => readonly string[]
  /** Of the node in use. */
  readonly admin: KongAdmin
  readonly adminFor: (url: string) => KongAdmin
  /** Id of a row that the database has; null for none. */
  readonly sample: () => string | null
  readonly log: Logger
  readonly metrics: Metrics
  readonly signal: AbortSignal
}

/** What is wrong with a node that is not in use. */
export interface StandbyProblem {
  readonly message: string
  /** It is no node of this database at all, and has to be taken out of the configuration. */
  readonly isRefused: boolean
}

const EVERY_MS = 10_000
const TICK_MS = 500

/** Looks at the nodes of a database that are not in use: is there one to go on with, and is it of the same database? */
export class StandbyNodes {
  readonly #options: StandbyOptions
  /** null: nothing is wrong. */
  readonly #found = new Map<string, StandbyProblem | null>()

  constructor(options: StandbyOptions) {
    this.#options = options
  }

  /** What was found by node: null where nothing is wrong; none for one that was not looked at yet. */
  found(): ReadonlyMap<string, StandbyProblem | null> {
    return this.#found
  }

  async run(): Promise<void> {
    const { urls, admin, signal } = this.#options
    let used = ''
    for (let nextMs = 0; !signal.aborted; ) {
      const others = urls().filter((url) => url !== admin.url)
      // Another one is used now: what became of the one before?
      if (others.length > 0 && (performance.now() >= nextMs || used !== admin.url)) {
        used = admin.url
        nextMs = performance.now() + EVERY_MS
        await Promise.all(others.map((url) => this.#look(url)))
      }
      await delay(TICK_MS, undefined, { signal }).catch(() => {})
    }
  }

  async #look(url: string): Promise<void> {
    const { log, metrics } = this.#options
    const problem = await this.#problemOf(url)
    const before = this.#found.get(url) ?? null
    this.#found.set(url, problem)
    metrics.kongConnected.set({ node: url }, problem === null ? 1 : 0)
    if (problem !== null && problem.message !== before?.message) {
      log.warn('a node of Kong cannot be used', { node: url, reason: problem.message })
    } else if (problem === null && before !== null) log.info('a node of Kong is back', { node: url })
  }

  async #problemOf(url: string): Promise<StandbyProblem | null> {
    const admin = this.#options.adminFor(url)
    const { kind, isDatabaseReachable, error } = await probeNode(admin)
    if (kind === null) return { message: error!.message, isRefused: false }
    if (kind === 'dbless') return { message: otherKindMessage(url, kind), isRefused: true }
    if (!isDatabaseReachable) return { message: `${url} cannot reach its database`, isRefused: false }
    const known = this.#found.get(url)
    const isSame = await this.#isSameDatabase(admin)
    if (isSame === null) return known?.isRefused === true ? known : null
    if (isSame) return null
    const message = `${url} has another database than ${this.#options.admin.url}: run an operator of its own for it`
    return { message, isRefused: true }
  }

  /** Ids of ours are the same in every Kong, but not the times at which rows were made. null: it cannot be told now. */
  async #isSameDatabase(admin: KongAdmin): Promise<boolean | null> {
    const id = this.#options.sample()
    if (id === null) return null
    const [here, there] = await Promise.all([bornAt(this.#options.admin, id), bornAt(admin, id)])
    return here === undefined || there === undefined ? null : here === there
  }
}

/** When the upstream was made; null where there is none, undefined where that cannot be asked. */
async function bornAt(admin: KongAdmin, upstreamId: string): Promise<number | null | undefined> {
  try {
    return Number((await admin.call('GET', ['upstreams', upstreamId]))?.created_at)
  } catch (error) {
    return error instanceof KongError && error.code === 'KONG_NOT_FOUND' ? null : undefined
  }
}

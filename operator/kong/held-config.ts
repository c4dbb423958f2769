import { createHash } from 'node:crypto'
import { type ConfigDocument, EMPTY_CONFIG } from '../core/declarative-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { parseConfigText } from './config-text.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'

interface Held {
  readonly document: ConfigDocument
  readonly hash: string
}

/**
 * The configuration that a Kong without database holds. It is read only when its hash says that somebody else has
 * written, since that stalls Kong: of a text that was posted the hash is the text's MD5.
 */
export class HeldConfig {
  readonly #admin: KongAdmin
  readonly #metrics: Metrics
  #held: Held | null = null
  /** Posted, maybe without an answer: Kong may have it. */
  #sent: Held | null = null

  constructor(admin: KongAdmin, metrics: Metrics) {
    this.#admin = admin
    this.#metrics = metrics
  }

  /** As last read or posted. */
  get document(): ConfigDocument {
    return this.#held?.document ?? EMPTY_CONFIG
  }

  get wasRead(): boolean {
    return this.#held !== null
  }

  /** Has somebody else written? @throws KongError */
  async hasChanged(): Promise<boolean> {
    const hash = await this.#readHash()
    return hash !== this.#held?.hash && hash !== this.#sent?.hash
  }

  /**
   * @returns true when it had to be read: somebody else has written, or nobody has read it yet
   * @throws KongError
   */
  async refresh(): Promise<boolean> {
    const hash = await this.#readHash()
    if (hash === this.#held?.hash) return false
    if (hash === this.#sent?.hash) {
      this.#held = this.#sent
      return false
    }
    const answer = await this.#admin.call('GET', ['config'])
    this.#held = { document: await parseConfigText(String(answer?.config ?? '')), hash }
    return true
  }

  /** Replaces all that Kong holds. @throws KongError; then it holds what it held */
  async post(document: ConfigDocument): Promise<void> {
    const node = this.#admin.url
    const config = JSON.stringify(document)
    this.#sent = { document, hash: createHash('md5').update(config).digest('hex') }
    const startedMs = performance.now()
    try {
      await this.#admin.call('POST', ['config'], { config }, '?flatten_errors=1')
      this.#held = this.#sent
      this.#metrics.configPosts.inc({ node, outcome: 'ok' })
    } catch (error) {
      this.#metrics.configPosts.inc({ node, outcome: isRefusal(error) ? 'refused' : 'failed' })
      throw error instanceof KongError && error.status === 413 ? tooLarge(error, config.length) : error
    } finally {
      this.#metrics.configPostSeconds.observe({ node }, (performance.now() - startedMs) / 1000)
    }
  }

  /** The other form of the answer to what was refused. */
  async refusalOf(document: ConfigDocument): Promise<KongError | null> {
    try {
      await this.#admin.call('POST', ['config'], { config: JSON.stringify(document) })
    } catch (error) {
      if (isRefusal(error)) return error
    }
    return null
  }

  async #readHash(): Promise<string> {
    const status = await this.#admin.call('GET', ['status'])
    const hash = status?.configuration_hash
    if (typeof hash === 'string') return hash
    const call = { method: 'GET', path: '/status', status: 200 }
    throw new KongError('KONG_OTHER_KIND', call, 'tells no configuration_hash: this Kong has a database now')
  }
}

/** Kong has read the configuration and does not take it. */
export const isRefusal = (error: unknown): error is KongError =>
  error instanceof KongError && error.status === 400

const tooLarge = (cause: KongError, bytes: number): KongError =>
  new KongError(
    'KONG_REJECTED',
    { method: 'POST', path: '/config', status: 413 },
    `refused ${(bytes / 1e6).toFixed(1)} MB as too large: raise nginx_admin_client_max_body_size (KONG_NGINX_ADMIN_CLIENT_MAX_BODY_SIZE) on Kong`,
    { cause },
  )

// A Kong without database takes its configuration as a whole: changes are gathered, merged into what Kong holds and
// posted together.
import { flattenedRefusals, type Refusals, unflattenedRefusals } from '../core/config-refusal.ts'
import { type ConfigDocument, mergeConfig, stateOfConfig } from '../core/declarative-config.ts'
import type { Change } from '../core/diff.ts'
import { type Kind, type KongState, keyOf } from '../core/entity.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { EarlyMarks } from './early-marks.ts'
import type { Executed } from './execute.ts'
import { HeldConfig, isRefusal } from './held-config.ts'
import type { KongAdmin } from './kong-admin.ts'
import { KongError } from './kong-error.ts'
import type { KongWriter } from './kong-writer.ts'

export interface ConfigWriterOptions {
  readonly admin: KongAdmin
  readonly metrics: Metrics
  readonly signal: AbortSignal
  /** Somebody else has written, and this is what Kong holds now. */
  readonly onForeign: (state: KongState) => void
  readonly onFailure: (error: unknown) => void
}

interface Staged {
  readonly change: Change
  /** Of which reading of Kong it was decided. */
  readonly reading: number
  readonly resolve: (executed: Executed) => void
  readonly reject: (error: unknown) => void
}

/** By service: one whose entities are refused is left out, and the others go on. Revoked keys wait for none of these. */
type Batch = Map<string, Staged[]>

/** Changes that belong together come within this time, in ms. */
const GATHER_MS = 20
/** From one POST to the next, in ms: each costs Kong as much as the first, whatever changed. */
const APART_MS = 500
/** A POST that takes long stalls the proxy meanwhile: at most half of the time is spent so. */
const APART_BY_DURATION = 2
/** What was refused is not posted again for this long, in ms, as long as it is the same. */
const REFUSED_MS = 60_000

export class ConfigWriter implements KongWriter {
  readonly #options: ConfigWriterOptions
  readonly #held: HeldConfig
  readonly #marks: EarlyMarks
  #staged: Batch = new Map()
  #timer: NodeJS.Timeout | null = null
  #turn: Promise<unknown> = Promise.resolve()
  #notBeforeMs = 0
  #readings = 0
  readonly #refused = new Map<
    string,
    { readonly text: string; readonly said: string; readonly untilMs: number }
  >()

  constructor(options: ConfigWriterOptions) {
    this.#options = options
    const { admin, metrics, signal, onFailure } = options
    this.#held = new HeldConfig(admin, metrics)
    this.#marks = new EarlyMarks({ admin, signal, onFailure, document: () => this.#held.document })
    signal.addEventListener('abort', () => this.#abandon(), { once: true })
  }

  async read(): Promise<KongState> {
    return await this.#inTurn(async () => {
      await this.#refresh()
      return stateOfConfig(this.#held.document)
    })
  }

  /** Asks Kong for its hash: has somebody else written? @throws KongError */
  async hasChanged(): Promise<boolean> {
    if (this.#staged.size > 0) return false // the batch will see
    return await this.#inTurn(() => this.#held.hasChanged())
  }

  steps(changes: readonly Change[]): readonly (readonly Change[])[] {
    return changes.length === 0 ? [] : [changes]
  }

  execute(change: Change): Promise<Executed> {
    return new Promise((resolve, reject) => {
      const staged = { change, reading: this.#readings, resolve, reject }
      const key = batchKey(change)
      const known = this.#staged.get(key)
      if (known === undefined) this.#staged.set(key, [staged])
      else known.push(staged)
      this.#marks.note(change)
      this.#postSoon()
    })
  }

  #postSoon(): void {
    if (this.#timer !== null) return
    const waitMs = Math.max(GATHER_MS, this.#notBeforeMs - performance.now())
    this.#timer = setTimeout(() => {
      this.#inTurn(async () => {
        this.#timer = null
        const batch = this.#staged
        this.#staged = new Map()
        await this.#flush(batch)
      }).catch(this.#options.onFailure)
    }, waitMs)
  }

  async #flush(batch: Batch): Promise<void> {
    try {
      const isForeign = await this.#refresh()
      if (isForeign) this.#options.onForeign(stateOfConfig(this.#held.document))
      await this.#post(this.#withoutRefused(this.#withoutOutdated(batch)))
    } catch (error) {
      for (const { reject } of [...batch.values()].flat()) reject(error)
    }
  }

  /** Leaves out, one after the other, the services whose entities Kong refuses. */
  async #post(batch: Batch): Promise<void> {
    while (batch.size > 0) {
      const changes = [...batch.values()].flat().map(({ change }) => change)
      const { document, written } = mergeConfig(this.#held.document, changes, Math.floor(Date.now() / 1000))
      if (written.size > 0) {
        const error = await this.#send(document).then(
          () => null,
          (failure: unknown) => failure,
        )
        if (error !== null) {
          if (!isRefusal(error)) throw error
          if (await this.#leaveOut(batch, document, error)) continue
          return
        }
      }
      for (const { change, resolve } of [...batch.values()].flat()) {
        const { action, entity } = change
        resolve({ after: action === 'delete' ? null : entity, wrote: written.has(keyOf(entity)) })
      }
      return
    }
  }

  /** @returns false when nobody could be named and the batch was posted in halves instead */
  async #leaveOut(batch: Batch, document: ConfigDocument, error: KongError): Promise<boolean> {
    const refusals = await this.#refusals(error, document)
    const named = [...refusals].filter(([service]) => batch.has(service))
    if (named.length === 0 && batch.size > 1) {
      const services = [...batch]
      const half = Math.ceil(services.length / 2)
      await this.#post(new Map(services.slice(0, half)))
      await this.#post(new Map(services.slice(half)))
      return false
    }
    const said = [...refusals.values()].join('; ') || error.message
    if (named.length === 0) named.push([[...batch.keys()][0]!, said])
    for (const [service, reason] of named) this.#refuse(batch, service, reason)
    return true
  }

  #refuse(batch: Batch, service: string, said: string): void {
    const staged = batch.get(service)!
    batch.delete(service)
    this.#refused.set(service, { text: textOf(staged), said, untilMs: performance.now() + REFUSED_MS })
    for (const { reject } of staged) reject(refusedError(said))
  }

  /** What was decided by what Kong held before somebody else wrote has to be decided anew. */
  #withoutOutdated(batch: Batch): Batch {
    const isOutdated = ({ reading }: Staged) => reading !== this.#readings
    for (const [service, staged] of batch) {
      if (!staged.some(isOutdated)) continue
      batch.delete(service)
      for (const { resolve } of staged) resolve({ after: null, wrote: false, isOutdated: true })
    }
    return batch
  }

  #withoutRefused(batch: Batch): Batch {
    const now = performance.now()
    for (const [service, staged] of batch) {
      const refused = this.#refused.get(service)
      if (refused === undefined) continue
      if (refused.untilMs > now && refused.text === textOf(staged)) {
        batch.delete(service)
        for (const { reject } of staged) reject(refusedError(refused.said))
      } else this.#refused.delete(service)
    }
    return batch
  }

  async #refusals(error: KongError, document: ConfigDocument): Promise<Refusals> {
    const flattened = flattenedRefusals(error.body)
    if (flattened.size > 0) return flattened
    // A reference to what is not there: only the other form of the answer names it.
    const plain = await this.#held.refusalOf(document)
    return plain === null ? flattened : unflattenedRefusals(plain.body, document)
  }

  async #send(document: ConfigDocument): Promise<void> {
    const startedMs = performance.now()
    try {
      await this.#held.post(document)
    } finally {
      const tookMs = performance.now() - startedMs
      this.#notBeforeMs = startedMs + Math.max(APART_MS, tookMs * APART_BY_DURATION)
    }
  }

  /** @returns true when somebody else has written since it was read last */
  async #refresh(): Promise<boolean> {
    const { wasRead } = this.#held
    if (!(await this.#held.refresh())) return false
    this.#readings += 1
    this.#refused.clear()
    return wasRead
  }

  #abandon(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const { reject } of [...this.#staged.values()].flat()) reject(stoppingError())
    this.#staged = new Map()
  }

  /** One reads or posts at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => {})
    return mine
  }
}

/** No service has such a name. */
const batchKey = ({ action, entity, service }: Change): string =>
  action === 'delete' && CREDENTIALS.has(entity.kind) ? `${service}\0revoked` : service

const CREDENTIALS: ReadonlySet<Kind> = new Set(['jwt_secret', 'keyauth_credential'])

const textOf = (staged: readonly Staged[]): string =>
  JSON.stringify(staged.map(({ change }) => [change.action, change.entity]))

const CALL = { method: 'POST', path: '/config', status: 400 }

const refusedError = (said: string): KongError =>
  new KongError('KONG_REJECTED', CALL, `refused this service: ${said}`)

const stoppingError = (): KongError =>
  new KongError('NOT_LEADER', { ...CALL, status: 0 }, 'was not sent: the operator is stopping')

import type { Change } from '../core/diff.ts'
import type { Json, Kind } from '../core/entity.ts'
import { maskedValue } from '../core/explain-change.ts'

/** One reconciliation of one service that wrote something, or failed to. */
export interface ChangeEvent {
  readonly service: string
  /** What Consul, or a person, changed: the reasons of the job. */
  readonly reasons: readonly string[]
  /** What was written, in the order of writing. */
  readonly changes: readonly Change[]
  readonly tookMs: number
  readonly atMs: number
  /** null: applied. */
  readonly error: string | null
  /** Admin URL of the Kong. */
  readonly node: string
}

/** As `GET /api/v1/mesh/v2/changes` answers. Secrets are masked. */
export interface ChangeRecord {
  /** Increasing; starts at 1 with each process. */
  readonly id: number
  readonly time: string
  /** Admin URL that it was written to. */
  readonly node: string
  readonly service: string
  readonly reason: string
  readonly result: 'applied' | 'failed'
  readonly error: string | null
  /** How often in a row it failed with the same error; 1 for what was applied. */
  readonly tries: number
  /** In ms. */
  readonly duration: number
  readonly diff: readonly ChangedEntity[]
}

export interface ChangedEntity {
  readonly action: 'create' | 'update' | 'delete'
  readonly kind: Kind
  readonly id: string
  readonly name: string
  /** Fields that changed; of a creation those with a value, of a removal none. */
  readonly fields: readonly { readonly field: string; readonly from: Json; readonly to: Json }[]
}

export interface ChangeQuery {
  readonly service?: string | undefined
  readonly limit: number
}

interface Entry extends ChangeEvent {
  readonly id: number
  readonly tries: number
}

const MOST_ENTRIES = 1000
/** How much longer the list may grow before its oldest go. */
const SPARE = 0.05

/**
 * What the operator did lately. Holds the changes as they were and makes texts of them only when asked: their
 * entities are mostly those that are remembered anyway.
 */
export class ChangeLog {
  readonly #size: number
  /** Oldest first. */
  #entries: Entry[] = []
  #lastId = 0

  /** @param size how many are kept */
  constructor(size = MOST_ENTRIES) {
    this.#size = size
  }

  /** A failure that repeats the one before it of the same service, without a write, counts up instead. */
  add(event: ChangeEvent): void {
    const at = event.error === null || event.changes.length > 0 ? -1 : this.#repeated(event)
    const tries = at < 0 ? 1 : this.#entries.splice(at, 1)[0]!.tries + 1
    this.#lastId += 1
    const { service, reasons, changes, tookMs, atMs, error, node } = event
    this.#entries.push({ id: this.#lastId, service, reasons, changes, tookMs, atMs, error, node, tries })
    // Dropping one at a time would move the whole list each time; entries are what a busy operator has most of.
    if (this.#entries.length > this.#size * (1 + SPARE)) this.#entries = this.#entries.slice(-this.#size)
  }

  /** How many are held, those that are told of no more among them. */
  get held(): number {
    return this.#entries.length
  }

  /** Of the newest entry; 0 for none. */
  get lastId(): number {
    return this.#lastId
  }

  /** Newest first; `total` counts what the filter matches, whatever the limit. */
  list({ service, limit }: ChangeQuery): {
    readonly changes: readonly ChangeRecord[]
    readonly total: number
  } {
    const kept = this.#entries.slice(-this.#size)
    const matching = service === undefined ? kept : kept.filter((entry) => entry.service === service)
    const newest = matching.slice(-limit).reverse()
    return { changes: newest.map(recordOf), total: matching.length }
  }

  /** What was added after the entry with this id, newest first. */
  since(id: number, limit: number): readonly ChangeRecord[] {
    const at = this.#entries.findLastIndex((entry) => entry.id <= id)
    return this.#entries
      .slice(at + 1)
      .slice(-limit)
      .reverse()
      .map(recordOf)
  }

  #repeated(event: ChangeEvent): number {
    const at = this.#entries.findLastIndex(
      ({ service, node }) => service === event.service && node === event.node,
    )
    return at >= 0 && this.#entries[at]!.error === event.error ? at : -1
  }
}

function recordOf({ id, node, service, reasons, changes, tookMs, atMs, error, tries }: Entry): ChangeRecord {
  return {
    id,
    time: new Date(atMs).toISOString(),
    node,
    service,
    reason: reasons.length === 0 ? 'decided anew' : reasons.join('; '),
    result: error === null ? 'applied' : 'failed',
    error,
    tries,
    duration: Math.round(tookMs * 10) / 10,
    diff: changes.map(changedEntity),
  }
}

/** The change field by field, fit to be shown to anybody. */
export function changedEntity({ action, entity, before, fields }: Change): ChangedEntity {
  const { kind, id, name } = entity
  const value = (from: typeof before, field: string): Json => {
    if (from === null) return null
    if (field === 'tags') return from.tags
    return maskedValue(kind, field, field === 'name' ? from.name : from.fields[field])
  }
  const told = action === 'delete' ? [] : fields
  const listed = told.map((field) => ({ field, from: value(before, field), to: value(entity, field) }))
  return {
    action,
    kind,
    id,
    name,
    fields: action === 'create' ? listed.filter(({ to }) => to !== null) : listed,
  }
}

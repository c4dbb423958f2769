import type { ConsulReader } from '../consul/consul-reader.ts'
import type { EntryWriter } from '../consul/entry-writer.ts'
import type { CatalogSnapshot } from '../core/catalog.ts'
import type { Change } from '../core/diff.ts'
import type { SplitterDocument } from '../core/policy/entry-schema.ts'
import { type Leg, legsOf, type Reweighed, reweighed, type WantedLeg } from '../core/policy/split-legs.ts'
import { RequestError } from '../http/request-error.ts'
import { type ListedChanges, listedChanges } from './listed-changes.ts'

export interface SplitEditorOptions {
  readonly reader: Pick<ConsulReader, 'entry'>
  readonly writer: EntryWriter
  readonly snapshot: () => CatalogSnapshot | null
  /** What would be written to Kong with this splitter; null until everything is known. */
  readonly changesWith: (splitter: SplitterDocument) => readonly Change[] | null
}

/** A service-splitter as the operator follows it. */
export interface Split {
  readonly service: string
  /** ModifyIndex in Consul: a change can be bound to it. */
  readonly index: number
  readonly legs: readonly Leg[]
}

export interface WantedSplit {
  readonly service: string
  readonly legs: readonly WantedLeg[]
  /** Of the entry that the wish was made from; undefined: whatever it is now. */
  readonly index?: number | undefined
}

export interface SplitPreview extends ListedChanges {
  readonly legs: readonly Leg[]
}

const KIND = 'service-splitter'

/** Weights of canaries: reads and writes service-splitter entries in Consul, from where every operator takes them. */
export class SplitEditor {
  readonly #options: SplitEditorOptions

  constructor(options: SplitEditorOptions) {
    this.#options = options
  }

  /** By name; null until Consul has been read. */
  list(service: string | null): readonly Split[] | null {
    const snapshot = this.#options.snapshot()
    if (snapshot === null) return null
    return [...(snapshot.policies?.entries.splitters.values() ?? [])]
      .filter(({ Name }) => service === null || Name === service)
      .map((splitter) => ({
        service: splitter.Name,
        index: splitter.ModifyIndex ?? 0,
        legs: legsOf(splitter),
      }))
      .sort((left, right) => (left.service < right.service ? -1 : 1))
  }

  /**
   * What `change` would do; nothing is written.
   * @throws as change, and RequestError 503 before everything was read
   */
  async preview(wanted: WantedSplit): Promise<SplitPreview> {
    const { splitter } = (await this.#edited(wanted)).edited
    const changes = this.#options.changesWith(splitter)
    if (changes === null) throw new RequestError(503, 'Consul and Kong have not been read yet')
    return { legs: legsOf(splitter), ...listedChanges(changes) }
  }

  /**
   * Writes the weights, only over what was read.
   * @returns the legs as they are now
   * @throws RequestError 404 without a splitter, 409 when it was changed meanwhile, 422 naming the leg; ConsulError
   */
  async change(wanted: WantedSplit): Promise<readonly Leg[]> {
    const { edited, index } = await this.#edited(wanted)
    if (!(await this.#options.writer.write(edited.entry, index))) throw changed(wanted.service)
    return legsOf(edited.splitter)
  }

  async #edited({ service, legs, index }: WantedSplit) {
    const raw = await this.#options.reader.entry(KIND, service)
    if (raw === null) {
      throw new RequestError(404, `Consul has no ${KIND} ${service}; write one first, see docs/policies.md`)
    }
    const now = Number(raw['ModifyIndex'] ?? 0)
    if (index !== undefined && index !== now) throw changed(service)
    const edited: Reweighed = reweighed(raw, legs)
    if (!edited.ok) {
      throw new RequestError(422, `${edited.field}: ${edited.message}`, [
        { field: edited.field, message: edited.message },
      ])
    }
    return { edited, index: now }
  }
}

const changed = (service: string): RequestError =>
  new RequestError(409, `${KIND} ${service} was changed by somebody else meanwhile; read it again`)

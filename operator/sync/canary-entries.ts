import type { ConsulReader } from '../consul/consul-reader.ts'
import type { EntryWriter } from '../consul/entry-writer.ts'
import { NO_SPLITS, type Split, splitsAt } from '../core/canary/split-shares.ts'
import { SPLITTER } from '../core/policy/entry-schema.ts'
import { readEntry } from '../core/policy/read-entry.ts'
import { RequestError } from '../http/request-error.ts'

/** A service-splitter as Consul holds it now. */
export interface HeldSplitter {
  readonly index: number
  readonly splits: readonly Split[]
}

const SPLITTER_KIND = 'service-splitter'
const DEFAULTS_KIND = 'service-defaults'

/** The configuration entries that a canary reads and writes, each write over what was read alone. */
export class CanaryEntries {
  readonly #reader: Pick<ConsulReader, 'entry'>
  readonly #writer: EntryWriter

  constructor(reader: Pick<ConsulReader, 'entry'>, writer: EntryWriter) {
    this.#reader = reader
    this.#writer = writer
  }

  /** null: there is none. @throws RequestError 422 for one that does not validate; ConsulError */
  async splitter(service: string): Promise<HeldSplitter | null> {
    const raw = await this.#reader.entry(SPLITTER_KIND, service)
    if (raw === null) return null
    const read = readEntry(SPLITTER, raw)
    if (!read.ok) {
      throw new RequestError(
        422,
        `${SPLITTER_KIND} ${service} does not validate: ${read.errors.join('; ')}`,
        [],
      )
    }
    return { index: Number(raw['ModifyIndex'] ?? 0), splits: raw['Splits'] as readonly Split[] }
  }

  /** @throws ConsulError */
  async hasDefaults(service: string): Promise<boolean> {
    return (await this.#reader.entry(DEFAULTS_KIND, service)) !== null
  }

  /** ModifyIndex of the service-resolver; null: there is none. @throws ConsulError */
  async resolverIndex(service: string): Promise<number | null> {
    const raw = await this.#reader.entry('service-resolver', service)
    return raw === null ? null : Number(raw['ModifyIndex'])
  }

  /** Protocol http, as Consul demands for a splitter; only where there is no such entry. @throws RequestError 409 when there is one meanwhile; ConsulError */
  async createDefaults(service: string): Promise<void> {
    await this.#create({ Kind: DEFAULTS_KIND, Name: service, Protocol: 'http' })
  }

  /**
   * A splitter that sends everything where it goes without one.
   * @throws RequestError 409 when there is one meanwhile; ConsulError
   */
  async createSplitter(service: string, to: string): Promise<HeldSplitter> {
    const Splits = splitsAt(NO_SPLITS, service, to, 0)
    await this.#create({ Kind: SPLITTER_KIND, Name: service, Splits })
    const made = await this.splitter(service)
    if (made !== null) return made
    throw new RequestError(409, `${SPLITTER_KIND} ${service} was removed by somebody else meanwhile`)
  }

  /**
   * Writes the splits, and nothing else of the entry, if it is still the one of this index; null removes it.
   * @returns false when it is not
   * @throws ConsulError
   */
  async write(service: string, splits: readonly Split[] | null, index: number): Promise<boolean> {
    if (splits === null) return this.#writer.remove(SPLITTER_KIND, service, index)
    const raw = await this.#reader.entry(SPLITTER_KIND, service)
    if (raw === null || Number(raw['ModifyIndex']) !== index) return false
    const { CreateIndex: _created, ModifyIndex: _modified, Hash: _hash, Status: _status, ...said } = raw
    return this.#writer.write({ ...said, Splits: splits }, index)
  }

  async #create(
    entry: { readonly Kind: string; readonly Name: string } & Record<string, unknown>,
  ): Promise<void> {
    if (await this.#writer.write(entry, 0)) return
    throw new RequestError(
      409,
      `${entry.Kind} ${entry.Name} was written by somebody else meanwhile; try again`,
    )
  }
}

// A Consul in memory for the watch of the catalog: it is written to at any moment, and each of its answers leaves when the
// test lets it go, with what is true then, or was when the test had it made. Indexes move as a real server's do.
import type { Answer, ConsulReader, ReadOptions } from '../../operator/consul/consul-reader.ts'
import type { RawCheck, RawService, RawServiceRow } from '../../operator/consul/raw-rows.ts'
import { waitFor } from './wait-for.ts'

export type Question = 'names' | 'checks' | 'service' | 'listing'

export interface Registered {
  readonly service: string
  readonly id: string
  readonly node: string
  readonly tag: string
  /** null: it has no check. */
  readonly check: 'passing' | 'critical' | null
}

interface Row extends Registered {
  readonly modifyIndex: number
  readonly checkIndex: number
}

/** An answer that has not left yet. */
interface Held {
  make(): void
  go(): void
}

const NODES = ['n1', 'n2']

export class GatedConsul {
  readonly #rows = new Map<string, Row>()
  readonly #waiting = new Map<Question, Held[]>([
    ['names', []],
    ['checks', []],
    ['service', []],
    ['listing', []],
  ])
  /** Index of the last list that was let go. */
  readonly #told = new Map<Question, number>()
  readonly #serviceIndexes = new Map<string, number>()
  #index = 10
  #servicesIndex = 10
  #checksIndex = 10
  #extinction = 10
  #isOpen = true

  constructor() {
    this.register({ service: 'consul', id: 'consul', node: 'n1', tag: '', check: null })
  }

  /** From now on answers wait. */
  close(): void {
    this.#isOpen = false
  }

  /** Whatever waits goes, and nothing waits any more. */
  open(): void {
    this.#isOpen = true
    for (const waiting of this.#waiting.values()) for (const held of waiting.splice(0)) held.go()
  }

  /** Lets one answer go, where one waits; what there is news for is asked for in a moment. */
  async let(question: Question): Promise<void> {
    const waiting = this.#waiting.get(question)!
    const indexNow =
      question === 'names' ? this.#servicesIndex : question === 'checks' ? this.#checksIndex : 0
    if (indexNow > (this.#told.get(question) ?? 0)) await waitFor(() => waiting.length > 0)
    waiting.shift()?.go()
    await new Promise((done) => setImmediate(done))
  }

  /** Makes one answer, where one waits: it is on its way from now on, and leaves when it is let go. */
  make(question: Question): void {
    this.#waiting.get(question)![0]?.make()
  }

  /** Somebody waits for an answer. */
  async asked(question: Question): Promise<void> {
    await waitFor(() => this.#waiting.get(question)!.length > 0, { what: `the question for ${question}` })
  }

  register(instance: Registered): void {
    const key = `${instance.node}/${instance.id}`
    const before = this.#rows.get(key)
    const isSameService = before?.service === instance.service && before.tag === instance.tag
    const isSameCheck = before?.check === instance.check
    if (isSameService && isSameCheck) return
    if (before !== undefined && before.service !== instance.service) this.deregister(before)
    this.#index += 1
    const modifyIndex = isSameService ? before.modifyIndex : this.#index
    // What is registered without a check keeps the one it has.
    const check = instance.check ?? before?.check ?? null
    const checkIndex = isSameCheck ? before.checkIndex : this.#index
    this.#rows.set(key, { ...instance, check, modifyIndex, checkIndex })
    if (!isSameService) this.#servicesIndex = this.#index
    if (!isSameCheck) this.#checksIndex = this.#index
    this.#serviceIndexes.set(instance.service, this.#index)
    this.#wake()
  }

  deregister({ node, id }: Pick<Registered, 'node' | 'id'>): void {
    const row = this.#rows.get(`${node}/${id}`)
    if (row === undefined) return
    this.#index += 1
    this.#rows.delete(`${node}/${id}`)
    this.#servicesIndex = this.#index
    if (row.check !== null) this.#checksIndex = this.#index
    if (this.#of(row.service).length > 0) this.#serviceIndexes.set(row.service, this.#index)
    else {
      this.#serviceIndexes.delete(row.service)
      this.#extinction = this.#index
    }
    this.#wake()
  }

  /** What is registered, as text, in a fixed order. */
  told(): readonly string[] {
    return [...this.#rows.values()].map(textOf).sort()
  }

  readonly #blocked: (() => void)[] = []

  #wake(): void {
    for (const go of this.#blocked.splice(0)) go()
  }

  #of(service: string): readonly Row[] {
    return [...this.#rows.values()].filter((row) => row.service === service)
  }

  async #gate<T>(question: Question, answer: () => T): Promise<T> {
    if (this.#isOpen) return answer()
    return await new Promise<T>((leave) => {
      let made: { readonly answer: T } | null = null
      const make = () => {
        made ??= { answer: answer() }
        return made.answer
      }
      this.#waiting.get(question)!.push({ make, go: () => leave(make()) })
    })
  }

  async #blocking<T>(
    question: Question,
    indexOf: () => number,
    bodyOf: () => T,
    { index = 0n, signal }: ReadOptions = {},
  ): Promise<Answer<T>> {
    while (BigInt(indexOf()) <= index && !signal?.aborted) {
      await new Promise<void>((go) => {
        this.#blocked.push(go)
        signal?.addEventListener('abort', () => go(), { once: true })
      })
    }
    return await this.#gate(question, () => {
      this.#told.set(question, indexOf())
      return { body: bodyOf(), index: BigInt(indexOf()) }
    })
  }

  reader(): ConsulReader {
    const dumpOf = (node: string) => {
      const rows = [...this.#rows.values()].filter((row) => row.node === node)
      return {
        Node: node,
        Address: '10.0.0.1',
        Services: rows.map(rawService),
        Checks: rows.flatMap(rawChecks),
      }
    }
    const listing = async <T>(index: () => number, body: () => T): Promise<Answer<T>> =>
      await this.#gate('listing', () => ({ body: body(), index: BigInt(index()) }))
    const reader: Partial<ConsulReader> = {
      services: (options) =>
        this.#blocking(
          'names',
          () => this.#servicesIndex,
          () => this.#names(),
          options,
        ),
      troubledChecks: (options) =>
        this.#blocking(
          'checks',
          () => this.#checksIndex,
          () => [...this.#rows.values()].flatMap(rawChecks).filter(({ Status }) => Status !== 'passing'),
          options,
        ),
      nodes: async ({ index = 0n, signal } = {}) => {
        if (index > 0n) await new Promise<void>((go) => signal?.addEventListener('abort', () => go()))
        const body = NODES.map((Node) => ({ ID: Node, Node, Address: '10.0.0.1', ModifyIndex: 1 }))
        return { body, index: 1n }
      },
      service: async (name) => {
        const answer = () => ({
          body: this.#of(name).map(rawRow),
          index: BigInt(this.#serviceIndexes.get(name) ?? this.#extinction),
        })
        return await this.#gate('service', answer)
      },
      dump: () =>
        listing(
          () => this.#index,
          () => NODES.map(dumpOf),
        ),
      summary: () =>
        listing(
          () => this.#index,
          () => Object.keys(this.#names()).map((Name) => ({ Name, InstanceCount: this.#of(Name).length })),
        ),
    }
    return reader as ConsulReader
  }

  #names(): Record<string, readonly string[]> {
    const names: Record<string, string[]> = {}
    for (const { service, tag } of this.#rows.values()) {
      names[service] ??= []
      if (tag !== '' && !names[service].includes(tag)) names[service].push(tag)
    }
    return names
  }
}

/** To routing an instance without a check is one that passes. */
export const textOf = ({ service, id, node, tag, check }: Registered): string =>
  `${service} ${id} on ${node}, tag '${tag}', ${check ?? 'passing'}`

const rawService = ({ service, id, tag, modifyIndex }: Row): RawService => ({
  ID: id,
  Service: service,
  Address: '10.0.0.2',
  Port: 80,
  Tags: tag === '' ? [] : [tag],
  Meta: {},
  ModifyIndex: modifyIndex,
})

const rawChecks = ({ service, id, node, check, checkIndex }: Row): readonly RawCheck[] =>
  check === null
    ? []
    : [
        {
          Node: node,
          CheckID: `check:${id}`,
          Name: 'made by hand',
          Status: check,
          ServiceID: id,
          ServiceName: service,
          ModifyIndex: checkIndex,
        },
      ]

const rawRow = (row: Row): RawServiceRow => ({
  Node: { Node: row.node, Address: '10.0.0.1' },
  Service: rawService(row),
  Checks: rawChecks(row),
})

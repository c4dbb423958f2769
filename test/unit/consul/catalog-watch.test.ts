import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CatalogWatch } from '../../../operator/consul/catalog-watch.ts'
import type { Answer, ConsulReader, ReadOptions } from '../../../operator/consul/consul-reader.ts'
import type { RawCheck, RawNodeDump, RawService, RawServiceRow } from '../../../operator/consul/raw-rows.ts'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { deferred } from '../../support/deferred.ts'
import { waitFor } from '../../support/wait-for.ts'

const service = (name: string): RawService => ({
  ID: `${name}-1`,
  Service: name,
  Address: '',
  Port: 80,
  Tags: null,
  Meta: null,
  ModifyIndex: 7,
})
const nodes = ['n1', 'n2'].map((Node) => ({ Node, Address: '10.0.0.1', ID: Node }))
const row = (name: string): RawServiceRow => ({
  Node: { Node: 'n1', Address: '10.0.0.1' },
  Service: service(name),
  Checks: [],
})

test('a listing made before a service went does not bring it back', async () => {
  const ending = new AbortController()
  const gone = deferred<Answer<Readonly<Record<string, readonly string[]>>>>()
  const dump = deferred<Answer<readonly RawNodeDump[]>>()
  let isGone = false
  const asked: string[] = []
  const never = new Promise<never>(() => {})
  /** Answers once; asked to wait for more it waits. */
  const once =
    <T>(body: T) =>
    async ({ index = 0n }: ReadOptions = {}): Promise<Answer<T>> =>
      index > 0n ? await never : { body, index: 10n }
  const reader = {
    troubledChecks: once([]),
    nodes: once(nodes),
    services: async ({ index = 0n }: ReadOptions = {}) => {
      const body = isGone ? { consul: [] } : { consul: [], web: [] }
      if (index === 0n) return { body, index: isGone ? 11n : 10n }
      return index > 10n ? await never : await gone.promise
    },
    service: async (name: string) => {
      asked.push(name)
      return name === 'web' && isGone ? { body: [], index: 11n } : { body: [row(name)], index: 10n }
    },
    dump: () => dump.promise,
  } as unknown as ConsulReader
  let known: readonly string[] = []
  const watch = new CatalogWatch({
    reader,
    log: silentLogger,
    signal: ending.signal,
    onChange: ({ snapshot }) => {
      known = [...snapshot.services.keys()].sort()
    },
    onDoubt: () => {},
  })
  void watch.run()
  await waitFor(() => known.includes('web'))
  watch.verify()
  isGone = true
  gone.resolve({ body: { consul: [] }, index: 11n })
  await waitFor(() => !known.includes('web'))
  // On its way since before: it still has the service.
  const Services = [service('consul'), service('web')]
  dump.resolve({ body: [{ Node: 'n1', Address: '10.0.0.1', Services, Checks: [] }], index: 10n })
  await waitFor(() => asked.filter((name) => name === 'web').length === 3, { what: 'a read of it' })
  deepEqual(known, ['consul'])
  ending.abort()
})

/** One service with one check, which flips at any time; answers about it leave Consul when the test lets them. */
class FlappingConsul {
  index = 10
  status = 'passing'
  known = ''
  readonly #waiting: { checks: (() => void)[]; reads: (() => void)[] } = { checks: [], reads: [] }
  #toldAt = 10
  readonly #ending = new AbortController()

  start(): void {
    const never = new Promise<never>(() => {})
    const once =
      <T>(body: T) =>
      async ({ index = 0n }: ReadOptions = {}): Promise<Answer<T>> =>
        index > 0n ? await never : { body, index: 10n }
    const letThrough = (which: 'checks' | 'reads') =>
      new Promise<void>((done) => this.#waiting[which].push(done))
    const check = (): RawCheck => ({
      Node: 'n1',
      CheckID: 'check:web-1',
      Name: 'flaps',
      Status: this.status,
      ServiceID: 'web-1',
      ServiceName: 'web',
      ModifyIndex: this.index,
    })
    let isFirst = true
    const reader = {
      nodes: once(nodes),
      services: once({ consul: [], web: [] }),
      troubledChecks: async ({ index = 0n }: ReadOptions = {}) => {
        if (index > 0n) await letThrough('checks')
        this.#toldAt = this.index
        return { body: this.status === 'passing' ? [] : [check()], index: BigInt(this.index) }
      },
      service: async (name: string) => {
        if (name === 'consul') return { body: [row(name)], index: 10n }
        if (!isFirst) await letThrough('reads')
        isFirst = false
        return { body: [{ ...row('web'), Checks: [check()] }], index: BigInt(this.index) }
      },
    } as unknown as ConsulReader
    const watch = new CatalogWatch({
      reader,
      log: silentLogger,
      signal: this.#ending.signal,
      onChange: ({ snapshot }) => {
        this.known = snapshot.services.get('web')?.[0]?.checks[0]?.status ?? ''
      },
      onDoubt: () => {},
    })
    void watch.run()
  }

  flip(): void {
    this.index += 1
    this.status = this.status === 'passing' ? 'critical' : 'passing'
  }

  /** The list of checks answers: its index has moved. */
  async tell(): Promise<void> {
    if (this.#toldAt === this.index) return
    await waitFor(() => this.#waiting.checks.length > 0, { what: 'the question for the checks' })
    await this.#let('checks')
  }

  /** The service is answered for, when it was asked for. */
  async show(): Promise<void> {
    if (this.#waiting.reads.length > 0) await this.#let('reads')
  }

  async #let(which: 'checks' | 'reads'): Promise<void> {
    this.#waiting[which].shift()!()
    await new Promise((done) => setImmediate(done))
  }

  /** Everything is answered that is asked. */
  async settle(): Promise<void> {
    await this.tell()
    while (this.#waiting.reads.length > 0) await this.show()
  }

  end(): void {
    this.#ending.abort()
  }
}

type Step = 'flip' | 'tell' | 'show'

async function afterSteps(steps: readonly Step[]): Promise<readonly [known: string, status: string]> {
  const consul = new FlappingConsul()
  consul.start()
  await waitFor(() => consul.known !== '')
  for (const step of steps) await consul[step]()
  await consul.settle()
  consul.end()
  return [consul.known, consul.status]
}

test('a check that flips twice between two lists, with a read in the middle, is known as it is', async () => {
  deepEqual(await afterSteps(['flip', 'tell', 'flip', 'show', 'flip']), ['critical', 'critical'])
  deepEqual(await afterSteps(['flip', 'tell', 'show', 'flip', 'tell', 'flip', 'show', 'flip']), [
    'passing',
    'passing',
  ])
})

test('whenever a check flips and whenever Consul answers, in the end it is known as it is', async () => {
  const sequences = fc.sample(
    fc.array(fc.constantFrom<Step>('flip', 'flip', 'tell', 'show'), { minLength: 3, maxLength: 16 }),
    { numRuns: 300, seed: 1 },
  )
  const ends = await Promise.all(sequences.map(afterSteps))
  const wrong = ends.flatMap(([known, status], at) => (known === status ? [] : [sequences[at]!.join(' ')]))
  deepEqual(wrong, [])
})

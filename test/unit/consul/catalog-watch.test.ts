import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { CatalogWatch } from '../../../operator/consul/catalog-watch.ts'
import type { Answer, ConsulReader, ReadOptions } from '../../../operator/consul/consul-reader.ts'
import type { RawNodeDump, RawService, RawServiceRow } from '../../../operator/consul/raw-rows.ts'
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

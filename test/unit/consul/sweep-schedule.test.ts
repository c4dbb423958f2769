import { deepEqual, equal } from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import type { Answer, ConsulReader } from '../../../operator/consul/consul-reader.ts'
import type { RawNodeDump, RawService } from '../../../operator/consul/raw-rows.ts'
import type { ServiceEntry } from '../../../operator/consul/service-table.ts'
import { SweepSchedule } from '../../../operator/consul/sweep-schedule.ts'
import type { Instance } from '../../../operator/core/catalog.ts'
import { waitFor } from '../../support/wait-for.ts'

const MANY = 400
const raw = (service: string, index: number): RawService => ({
  ID: `${service}-1`,
  Service: service,
  Address: '10.0.0.1',
  Port: 80,
  Tags: [],
  Meta: {},
  ModifyIndex: index,
})

/** A catalog of 400 services with one instance each, all of index 10, as read; Consul holds what `over` says. */
function schedule(
  t: TestContext,
  over: {
    readonly counts?: Readonly<Record<string, number>>
    readonly indexes?: Readonly<Record<string, number>>
    readonly nodes?: readonly string[]
    readonly dump?: () => Promise<Answer<readonly RawNodeDump[]>>
    readonly explained?: readonly bigint[]
  },
) {
  const stop = new AbortController()
  t.after(() => stop.abort())
  const names = Array.from({ length: MANY }, (_, n) => `s${n}`)
  const table = new Map<string, ServiceEntry>(
    names.map((name) => [
      name,
      { instances: [{} as Instance], modifyIndexes: new Map([[`n1/${name}-1`, 10]]), index: 10n },
    ]),
  )
  const calls: string[] = []
  const found: string[] = []
  const listed = names.map((name) => raw(name, over.indexes?.[name] ?? 10))
  const reader = {
    summary: async () => {
      calls.push('count')
      return {
        body: names.map((name) => ({ Name: name, InstanceCount: over.counts?.[name] ?? 1 })),
        index: 20n,
      }
    },
    dump: async () => {
      calls.push('list')
      return (
        over.dump?.() ?? {
          body: [{ Node: 'n1', Address: '10.0.0.1', Checks: [], Services: listed }],
          index: 20n,
        }
      )
    },
    nodeServices: async (node: string) => {
      calls.push(`node ${node}`)
      const services = node === 'n1' ? Object.fromEntries(listed.map((each) => [each.ID, each])) : {}
      return { body: { Node: { Node: node, Address: '', ModifyIndex: 1 }, Services: services }, index: 20n }
    },
  } as unknown as ConsulReader
  const sweeps = new SweepSchedule({
    reader,
    signal: stop.signal,
    parallel: 8,
    nodes: () => over.nodes ?? ['n1', 'n2'],
    table: () => table,
    explained: () => new Set(over.explained ?? []),
    busy: () => false,
    olderAnswers: async () => {},
    found: (services) => {
      found.push(...services.keys())
      // Read at once: what was found explains itself.
      for (const name of services.keys()) {
        table.set(name, {
          instances: Array.from({ length: over.counts?.[name] ?? 1 }, () => ({}) as Instance),
          modifyIndexes: new Map([[`n1/${name}-1`, over.indexes?.[name] ?? 10]]),
          index: 20n,
        })
      }
    },
    impossible: () => calls.push('all'),
    failed: () => {},
    searched: () => {},
  })
  t.after(() => sweeps.stop())
  return { sweeps, calls, found }
}

const refused = async (): Promise<never> => {
  throw new ConsulError('CONSUL_DENIED', 'internal.ui.nodes', 'denied')
}

test('a service with another number of instances is found by counting', async (t) => {
  const { sweeps, calls, found } = schedule(t, { counts: { s7: 2 } })
  sweeps.suspect(10n, 20n)
  await waitFor(() => found.length > 0)
  deepEqual(found, ['s7'])
  equal(calls[0], 'count')
})

test('a change that leaves the number as it is is found by the listing that follows at once', async (t) => {
  const { sweeps, calls, found } = schedule(t, { indexes: { s7: 20 } })
  sweeps.suspect(10n, 20n)
  await waitFor(() => found.length > 0)
  deepEqual(found, ['s7'])
  deepEqual(calls, ['count', 'list'])
})

test('where the newest index is explained nothing is counted, and a listing finds what hid behind it', async (t) => {
  const { sweeps, calls, found } = schedule(t, { indexes: { s7: 15 }, explained: [20n] })
  sweeps.suspect(10n, 20n)
  await waitFor(() => found.length > 0)
  deepEqual(found, ['s7'])
  deepEqual(calls, ['list'])
})

test('indexes that are all explained cause no search', async (t) => {
  const { sweeps, calls } = schedule(t, { explained: [19n, 20n] })
  sweeps.suspect(18n, 20n)
  const other = schedule(t, { indexes: { s7: 20 } })
  other.sweeps.suspect(10n, 20n)
  await waitFor(() => other.found.length > 0)
  deepEqual(calls, [])
})

test('where the listing of all nodes is refused they are listed one by one, and it is not asked for again', async (t) => {
  const { sweeps, calls, found } = schedule(t, { indexes: { s7: 20 }, dump: refused })
  sweeps.demand()
  await waitFor(() => found.length === 1)
  sweeps.demand()
  await waitFor(() => calls.filter((call) => call === 'node n2').length === 2)
  deepEqual(calls, ['list', 'node n1', 'node n2', 'node n1', 'node n2'])
})

test('where nodes may not be seen either all services are read', async (t) => {
  const { sweeps, calls } = schedule(t, { dump: refused, nodes: [] })
  sweeps.demand()
  await waitFor(() => calls.includes('all'))
})

test('where counting did not help the listing comes next, though the index went on moving', async (t) => {
  const { sweeps, calls, found } = schedule(t, { indexes: { s7: 20 } })
  let index = 20n
  const moving = setInterval(() => sweeps.suspect(10n, ++index), 1)
  t.after(() => clearInterval(moving))
  await waitFor(() => found.length > 0)
  deepEqual(calls.slice(0, 2), ['count', 'list'])
})

test('an index that moves again and again is listed at last, though counting finds something each time', async (t) => {
  const { sweeps, calls, found } = schedule(t, { counts: { s1: 2 }, indexes: { s7: 20 } })
  for (let index = 20n; index < 40n; index++) sweeps.suspect(index - 1n, index)
  await waitFor(() => found.includes('s7'))
  equal(calls[0], 'list')
})

test('what another watch saw says nothing of the services before a later question for them was answered', async (t) => {
  const { sweeps, calls, found } = schedule(t, { indexes: { s7: 15 }, explained: [19n, 20n] })
  sweeps.observe(18n)
  sweeps.unmoved(performance.now())
  sweeps.suspect(10n, 20n)
  await waitFor(() => found.length > 0)
  deepEqual([found, calls], [['s7'], ['list']])
})

test('indexes that somebody else moved before a question for the services brought nothing new cause no search', async (t) => {
  const { sweeps, calls } = schedule(t, { explained: [19n, 20n] })
  sweeps.observe(18n)
  sweeps.unmoved(performance.now() + 10_000)
  sweeps.suspect(10n, 20n)
  const other = schedule(t, { indexes: { s7: 20 } })
  other.sweeps.suspect(10n, 20n)
  await waitFor(() => other.found.length > 0)
  deepEqual(calls, [])
})

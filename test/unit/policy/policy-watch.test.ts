import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { CatalogChange } from '../../../operator/consul/catalog-watch.ts'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import type { Answer, ConsulReader, ReadOptions } from '../../../operator/consul/consul-reader.ts'
import { PolicyWatch } from '../../../operator/consul/policy-watch.ts'
import { waitFor } from '../../support/wait-for.ts'
import { catalog } from '../core/build-mesh.ts'
import { resolver, VERSIONS, versioned } from './build-policies.ts'

const denied = () =>
  new ConsulError('CONSUL_DENIED', 'config.list', 'config.list answered 403', { status: 403 })

/** A Consul whose lists a test changes; blocked reads are answered when it does. */
class FakeConsul {
  readonly lists = new Map<string, unknown[] | Error>()
  hidden = false
  /** A filter that it cannot evaluate. */
  refused = ''
  /** For members of a subset. */
  asked = 0
  members: readonly string[] = []
  #index = 1n
  #waiting: (() => void)[] = []

  set(kind: string, rows: unknown[] | Error): void {
    this.lists.set(kind, rows)
    this.#index += 1n
    for (const wake of this.#waiting.splice(0)) wake()
  }

  reader(): ConsulReader {
    const row = (id: string) => ({
      Node: { Node: `node-${id.slice(-1)}` },
      Service: { ID: id, Service: 'web' },
    })
    const all = <T>(body: T): Answer<T> => ({ body, index: this.#index })
    return {
      entries: async (kind: string, { index = 0n, signal }: ReadOptions = {}) => {
        while (index >= this.#index && !signal?.aborted) {
          await new Promise<void>((resolve) => {
            this.#waiting.push(resolve)
            signal?.addEventListener('abort', () => resolve(), { once: true })
          })
        }
        const rows = this.lists.get(kind) ?? []
        if (rows instanceof Error) throw rows
        return all(rows)
      },
      intentions: async ({ index = 0n, signal }: ReadOptions = {}) => {
        while (index >= this.#index && !signal?.aborted) {
          await new Promise<void>((resolve) => {
            this.#waiting.push(resolve)
            signal?.addEventListener('abort', () => resolve(), { once: true })
          })
        }
        const rows = this.lists.get('intentions') ?? []
        if (rows instanceof Error) throw rows
        return all(rows)
      },
      intentionsFor: async () => [],
      intentionDefault: async () => null,
      mayCall: async () => true,
      hasEntry: async () => {
        if (this.hidden) throw denied()
        return false
      },
      filtered: async (_service: string, filter: string) => {
        this.asked += 1
        if (filter === this.refused) throw new ConsulError('CONSUL_REFUSED', 'health.service', 'not valid')
        return all(this.members.map(row))
      },
      service: async () => all(this.members.map(row)),
    } as unknown as ConsulReader
  }
}

describe('the watch of configuration entries', () => {
  const web = [versioned(1, 'v1'), versioned(2, 'v2')]
  const change: CatalogChange = {
    snapshot: catalog({ web }),
    changed: ['web'],
    reasons: new Map(),
    changedAtMs: 1,
    isReset: false,
  }
  let consul: FakeConsul
  let stopping: AbortController
  let seen: CatalogChange[]
  let order: string[]
  let watch: PolicyWatch
  let running: Promise<void>

  const begin = () => {
    watch = new PolicyWatch({
      reader: consul.reader(),
      signal: stopping.signal,
      onChange: (each) => {
        seen.push(each)
        order.push('snapshot')
      },
      onUnread: (unread) => void order.push(`unread ${[...unread.keys()].join()}`),
    })
    running = watch.run()
  }
  const last = () => seen.at(-1)!.snapshot.policies!

  beforeEach(() => {
    consul = new FakeConsul()
    stopping = new AbortController()
    seen = []
    order = []
  })
  afterEach(async () => {
    stopping.abort()
    await running
  })

  test('hands no snapshot on before every kind was read, then with entries and members', async () => {
    consul.members = ['instance-1']
    consul.lists.set('service-resolver', [resolver('web', VERSIONS)])
    begin()
    watch.setCatalog(change)
    assert.equal(seen.length, 0)
    await waitFor(() => seen.length > 0)
    assert.ok(last().entries.resolvers.has('web'))
    assert.equal(last().members.of('web', VERSIONS.Subsets.v1.Filter)?.size, 1)
  })

  test('keeps entries that vanish from a list which the token may no longer read in full', async () => {
    consul.lists.set('service-resolver', [resolver('web', VERSIONS)])
    begin()
    watch.setCatalog(change)
    await waitFor(() => seen.length > 0)
    consul.hidden = true
    consul.set('service-resolver', [])
    await waitFor(() => last().problems.some(({ code }) => code === 'ENTRIES_UNREAD'))
    assert.ok(last().entries.resolvers.has('web'))
  })

  test('reads members again when asked to, though no service changed', async () => {
    consul.members = ['instance-1']
    consul.lists.set('service-resolver', [resolver('web', VERSIONS)])
    begin()
    watch.setCatalog(change)
    await waitFor(() => seen.length > 0)
    consul.members = ['instance-1', 'instance-2']
    watch.verify()
    await waitFor(() => last().members.of('web', VERSIONS.Subsets.v1.Filter)?.size === 2)
  })

  test('asks for a filter that Consul cannot evaluate once a second, however often the catalog changes', async () => {
    consul.refused = VERSIONS.Subsets.v1.Filter
    consul.lists.set('service-resolver', [resolver('web', VERSIONS)])
    begin()
    const forMs = async (ms: number) => {
      const untilMs = performance.now() + ms
      await waitFor(() => performance.now() >= untilMs)
    }
    for (let n = 0; n < 20; n++) {
      watch.setCatalog(change)
      await waitFor(() => seen.length > n)
      await forMs(20)
    }
    const asked = consul.asked
    await forMs(1_500)
    // Two tries of two filters were due; each of twenty changes beginning tries of its own would be many more.
    assert.ok(consul.asked <= asked + 8, `${consul.asked - asked} questions`)
  })

  test('lets entries go that were deleted', async () => {
    consul.lists.set('service-resolver', [resolver('web', VERSIONS)])
    begin()
    watch.setCatalog(change)
    await waitFor(() => seen.length > 0)
    consul.set('service-resolver', [])
    await waitFor(() => !last().entries.resolvers.has('web'))
    assert.deepEqual(last().problems, [])
  })

  test('goes on without a kind that this Consul does not know, and says so', async () => {
    consul.lists.set('proxy-defaults', denied())
    begin()
    watch.setCatalog(change)
    await waitFor(() => seen.length > 0)
    assert.match(last().problems[0]!.message, /kind proxy-defaults cannot be read .*403.*none are used/)
  })

  test('keeps members of a subset that the token may no longer see', async () => {
    consul.members = ['instance-1']
    consul.lists.set('service-resolver', [resolver('web', VERSIONS)])
    begin()
    watch.setCatalog(change)
    await waitFor(() => seen.length > 0)
    consul.members = []
    watch.setCatalog({ ...change })
    await waitFor(() => seen.length > 1)
    assert.equal(last().members.of('web', VERSIONS.Subsets.v1.Filter)?.size, 1)
  })

  test('keeps members of a subset whose new filter Consul cannot evaluate, until it has one that it can', async () => {
    const v1 = (Filter: string) => [resolver('web', { Subsets: { v1: { Filter } } })]
    consul.members = ['instance-1']
    consul.refused = 'Service.Colour == 1'
    consul.lists.set('service-resolver', v1('Service.Meta.version == v1'))
    begin()
    watch.setCatalog(change)
    await waitFor(() => seen.length > 0)
    consul.set('service-resolver', v1(consul.refused))
    await waitFor(() => last().problems.some(({ code }) => code === 'SUBSET_UNREAD'))
    assert.match(
      last().problems[0]!.message,
      /^service-resolver web: Consul does not answer for Subsets\.v1\.Filter \(/,
    )
    assert.equal(last().members.of('web', consul.refused)?.size, 1)
    consul.members = ['instance-1', 'instance-2']
    consul.set('service-resolver', v1('Service.Meta.version == v2'))
    await waitFor(() => last().problems.length === 0)
    assert.equal(last().members.of('web', 'Service.Meta.version == v2')?.size, 2)
    consul.set('service-resolver', v1(consul.refused))
    await waitFor(() => last().problems.length > 0)
    consul.set('service-resolver', [])
    await waitFor(() => last().problems.length === 0, { what: 'nothing being told of an entry that is gone' })
  })

  test('tells of a service that was read again only after the snapshot that has it', async () => {
    begin()
    watch.setUnread(new Map([['web', denied()]]))
    watch.setCatalog(change)
    watch.setUnread(new Map())
    await waitFor(() => order.at(-1) === 'unread ')
    assert.deepEqual(order, ['unread web', 'unread web', 'snapshot', 'unread '])
  })
})

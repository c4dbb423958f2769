import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ConsulError } from '../../../operator/consul/consul-error.ts'
import type { ReadOptions } from '../../../operator/consul/consul-reader.ts'
import { watchIntentions } from '../../../operator/consul/intentions-watch.ts'
import type { Action } from '../../../operator/core/intentions/intention.ts'
import type { Intentions } from '../../../operator/core/intentions/join-access.ts'
import { waitFor } from '../../support/wait-for.ts'

const denied = (what: string) =>
  new ConsulError('CONSUL_DENIED', what, `${what} answered 403`, { status: 403 })
const row = (SourceName: string, DestinationName: string, Action = 'allow') => ({
  SourceName,
  DestinationName,
  Action,
})

describe('the watch of intentions', () => {
  let rows: unknown[]
  let matching: unknown[] | Error
  let isAllowed: boolean
  let configured: Action | Error | null
  let entries: unknown[] | Error
  let failure: Error | null
  let isFiltered: boolean
  let index: bigint
  let wake: () => void
  let asked: number
  let gated: string[]
  let askedFor: string[]
  let entriesStale: boolean | undefined
  let stopping: AbortController
  let seen: Intentions[]
  let doubts: (string | null)[]
  let running: Promise<void>

  const change = (): void => {
    index += 1n
    wake()
  }
  const reader = {
    intentions: async ({ index: known = 0n, signal }: ReadOptions = {}) => {
      while (known >= index && failure === null && !signal?.aborted)
        await new Promise<void>((resolve) => {
          wake = resolve
          signal?.addEventListener('abort', () => resolve(), { once: true })
        })
      if (failure !== null) throw failure
      return { body: rows, index, isFiltered }
    },
    intentionsFor: async (destination: string) => {
      askedFor.push(destination)
      if (matching instanceof Error) throw matching
      return matching
    },
    entries: async (_kind: string, { stale }: ReadOptions = {}) => {
      entriesStale = stale
      if (entries instanceof Error) throw entries
      return { body: entries, index: 1n }
    },
    intentionDefault: async () => {
      if (configured instanceof Error) throw configured
      return configured
    },
    mayCall: async () => {
      asked += 1
      return isAllowed
    },
  }
  const last = () => seen.at(-1)!
  const pairs = () => last().accepted!.list.map(({ source, destination }) => `${source} ${destination}`)

  beforeEach(() => {
    rows = [row('web', 'api'), row('web', 'db')]
    matching = []
    isAllowed = false
    configured = null
    // As 1.8.7 answers.
    const said = 'config.list answered 500: invalid config entry kind: service-intentions'
    entries = new ConsulError('CONSUL_REFUSED', 'config.list', said, { status: 500 })
    failure = null
    isFiltered = false
    index = 5n
    wake = () => {}
    asked = 0
    gated = []
    askedFor = []
    stopping = new AbortController()
    seen = []
    doubts = []
    running = Promise.resolve()
  })
  afterEach(async () => {
    stopping.abort()
    await running
  })
  const begin = () => {
    running = watchIntentions({
      reader,
      signal: stopping.signal,
      gated: async () => gated,
      onIntentions: (each) => seen.push(each),
      onDoubt: (doubt) => doubts.push(doubt?.message ?? null),
    })
  }

  test('tells what Consul lists, and what it does where no intention matches', async () => {
    begin()
    await waitFor(() => seen.length === 1)
    assert.deepEqual([pairs(), last().byDefault], [['web api', 'web db'], 'deny'])
  })

  test('what the agent is configured to do where no intention matches comes before what it answers for two names', async () => {
    isAllowed = true
    configured = 'deny'
    begin()
    await waitFor(() => seen.length === 1)
    assert.deepEqual([last().byDefault, asked], ['deny', 0])
  })

  test('nothing is known of the default, and nothing told, while the agent cannot be asked', async () => {
    isAllowed = true
    configured = new ConsulError('CONSUL_REFUSED', 'agent.self', 'agent.self answered 500', { status: 500 })
    begin()
    await waitFor(() => doubts.length > 0)
    assert.deepEqual([seen, doubts[0], asked], [[], 'agent.self answered 500', 0])
  })

  test('what was deleted is gone, once Consul says that it is', async () => {
    begin()
    await waitFor(() => seen.length === 1)
    rows = [row('web', 'api')]
    change()
    await waitFor(() => seen.length === 2)
    assert.deepEqual(pairs(), ['web api'])
  })

  test('what the token may no longer see stays in force, with the reason', async () => {
    begin()
    await waitFor(() => seen.length === 1)
    rows = []
    matching = denied('connect.intentions.match')
    change()
    await waitFor(() => doubts.at(-1) !== null)
    assert.deepEqual([pairs(), seen.length], [['web api', 'web db'], 1])
    assert.match(doubts.at(-1)!, /403/)
  })

  test('what is not listed and still matches is hidden, not gone', async () => {
    begin()
    await waitFor(() => seen.length === 1)
    rows = [row('web', 'api')]
    matching = [row('web', 'db')]
    change()
    await waitFor(() => doubts.at(-1) !== null)
    assert.match(doubts.at(-1)!, /service_prefix "" read/)
    assert.deepEqual(pairs(), ['web api', 'web db'])
  })

  test('an empty first list of a token that may not read intentions says nothing', async () => {
    rows = []
    matching = denied('connect.intentions.match')
    begin()
    await waitFor(() => doubts.length > 0)
    assert.deepEqual(seen, [])
  })

  test('a first list that does not explain what Kong enforces opens nothing before Consul has said so', async () => {
    rows = [row('web', 'db')]
    gated = ['db', 'api']
    matching = [row('*', 'api', 'deny'), row('web', 'db')]
    begin()
    await waitFor(() => doubts.length > 0)
    assert.deepEqual([seen, askedFor], [[], ['kongsul-nowhere', 'api']])
    assert.match(doubts[0]!, /service_prefix "" read/)
  })

  test('a first list is believed where Consul says that nothing is about what Kong enforces', async () => {
    gated = ['gone']
    begin()
    await waitFor(() => seen.length === 1)
    assert.deepEqual(
      [pairs(), askedFor],
      [
        ['web api', 'web db'],
        ['kongsul-nowhere', 'gone'],
      ],
    )
  })

  test('of however many that vanish at once each destination is asked about, once', async () => {
    const many = Array.from({ length: 20 }, (_, at) => row('web', `s${String(at).padStart(2, '0')}`))
    rows = [...many, row('api', 's19')]
    begin()
    await waitFor(() => seen.length === 1)
    askedFor = []
    rows = []
    matching = [row('api', 's19')]
    change()
    await waitFor(() => doubts.at(-1) !== null)
    assert.equal(seen.length, 1)
    matching = []
    askedFor = []
    await waitFor(() => seen.length === 2)
    assert.deepEqual([pairs(), askedFor.sort()], [[], many.map(({ DestinationName }) => DestinationName)])
  })

  test('entries are read as they are, not as a server that is behind has them', async () => {
    begin()
    await waitFor(() => seen.length === 1)
    assert.equal(entriesStale, false)
  })

  test('a list that Consul says it has shortened says nothing', async () => {
    isFiltered = true
    begin()
    await waitFor(() => doubts.length > 0)
    assert.deepEqual(seen, [])
  })

  test('an entry that asks for tokens of users keeps out whom it lets in, since nobody looks at those', async () => {
    entries = [{ Kind: 'service-intentions', Name: 'api', JWT: { Providers: [{ Name: 'okta' }] } }]
    begin()
    await waitFor(() => seen.length === 1)
    const { list, problems } = last().accepted!
    assert.deepEqual(
      list.map(({ destination, says }) => [destination, says]),
      [
        ['api', 'deny'],
        ['db', 'allow'],
      ],
    )
    assert.match(problems[0]!.message, /web -> api: callers need tokens of users/)
  })

  test('the default is asked for again when the list changed: before, an intention for everybody may have hidden it', async () => {
    rows = [row('*', '*', 'deny')]
    begin()
    await waitFor(() => seen.length === 1)
    assert.equal(last().byDefault, 'deny')
    rows = []
    isAllowed = true
    change()
    await waitFor(() => seen.length === 2)
    assert.deepEqual([pairs(), last().byDefault], [[], 'allow'])
  })

  test('the default is asked for once, and again after Consul was away: it may be another agent then', async () => {
    begin()
    await waitFor(() => seen.length === 1)
    change()
    await waitFor(() => doubts.length === 2)
    assert.equal(asked, 1)
    failure = new ConsulError('CONSUL_UNREACHABLE', 'connect.intentions', 'nobody answers')
    wake()
    await waitFor(() => doubts.at(-1) !== null)
    failure = null
    isAllowed = true
    await waitFor(() => seen.length === 2)
    assert.deepEqual([last().byDefault, asked], ['allow', 2])
  })
})

import { deepEqual, equal } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { type PluginGateway, startPluginGateway } from '../support/plugin-gateway.ts'
import { startScriptedPluginServer } from '../support/scripted-plugin-server.ts'
import { waitFor } from '../support/wait-for.ts'

// One request, then 160 more, 40 at a time, with three PDK calls each: how a Kong shared its connections among them,
// and how the gateway does.

/** A message in either direction, in the order of the wire. */
interface Seen {
  readonly connection: number
  readonly isCall: boolean
  readonly id: number
  readonly method: string
  readonly eventId: number | undefined
}

const REQUESTS = 161
const PARALLEL = 40

let gateway: PluginGateway

before(async () => {
  gateway = await startPluginGateway({ plugins: ['toy-a'] })
  await gateway.expose('busy')
  await gateway.configure('toy-a', 'busy', { calls: 3 })
})
after(() => gateway?.close())

/** What does not depend on who was first. */
function habits(seen: readonly Seen[]) {
  const calls = seen.filter(({ isCall }) => isCall)
  const open = new Map<number, number>()
  const homes = new Map<number, number>()
  let overlapping = 0
  let stray = 0
  for (const { connection, isCall, eventId } of seen) {
    if (isCall && open.get(connection)) overlapping++
    open.set(connection, isCall ? 1 : 0)
    if (eventId === undefined) continue
    if (!homes.has(eventId)) homes.set(eventId, connection)
    else if (homes.get(eventId) !== connection) stray++
  }
  const methods = calls.map(({ method }) => method)
  return {
    overlapping,
    stray,
    numbersUsedTwice: calls.length - new Set(calls.map(({ id }) => id)).size,
    instances: methods.filter((method) => method === 'plugin.StartInstance').length,
    events: methods.filter((method) => method === 'plugin.HandleEvent').length,
    stepsPerRequest: methods.filter((method) => method.startsWith('plugin.Step')).length / REQUESTS,
    usesNoMoreConnectionsThanRequests:
      new Set(calls.map(({ connection }) => connection)).size <= 2 * PARALLEL,
  }
}

function recorded(): Seen[] {
  const path = new URL('../fixtures/golden/rpc-parallel.jsonl', import.meta.url)
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
  return lines
    .filter(({ msg }) => msg)
    .map(({ conn: connection, dir, msg: [[, id, method, last]] }) => ({
      connection,
      isCall: dir === 'kong->js',
      id,
      method: String(method),
      eventId: (dir === 'kong->js' ? last[0] : last)?.EventId,
    }))
}

async function own(): Promise<Seen[]> {
  const seen: Seen[] = []
  let events = 0
  const steps = new Map<number, number>()
  const server = await startScriptedPluginServer(gateway.socketOf('toy-a'), async (message) => {
    const { connection, id, method, args } = message
    const said = (args[0] ?? {}) as { EventId?: number; EventName?: string }
    seen.push({ connection, isCall: true, id, method, eventId: said.EventId })
    // Answers come in another order than the calls.
    for (let turn = id % 7; turn >= 0; turn--) await new Promise(setImmediate)
    const isStart = method === 'plugin.StartInstance'
    const eventId = said.EventId ?? (isStart ? -1 : events++)
    const step = steps.get(eventId) ?? 0
    steps.set(eventId, step + 1)
    const data = said.EventName === 'log' ? 'ret' : (CALLS[step] ?? 'ret')
    seen.push({ connection, isCall: false, id, method: '', eventId: isStart ? undefined : eventId })
    return { result: isStart ? { Name: 'toy-a', Id: 0 } : { Data: data, EventId: eventId } }
  })
  try {
    let left = REQUESTS
    const statuses: number[] = []
    const client = async (): Promise<void> => {
      while (left-- > 0) statuses.push((await gateway.kong.request({ path: '/busy/' })).status)
    }
    await Promise.all(Array.from({ length: PARALLEL }, client))
    deepEqual(new Set(statuses), new Set([200]))
    equal(statuses.length, REQUESTS)
    await waitFor(() => events === 2 * REQUESTS, { what: 'a log event for each request' })
    await waitFor(() => seen.at(-1)?.isCall === false, { what: 'the last answer' })
  } finally {
    await server.close()
  }
  return seen
}

const CALLS = [
  { Method: 'kong.request.get_header', Args: ['x-in'] },
  { Method: 'kong.service.request.set_header', Args: ['x-toy-a', 'n'] },
  { Method: 'kong.response.set_header', Args: ['x-toy-resp', 'a1'] },
]

test('one call at a time on a connection, and the steps of an event on its own', async () => {
  const expected = habits(recorded())
  const { overlapping, stray, numbersUsedTwice } = expected
  deepEqual({ overlapping, stray, numbersUsedTwice }, { overlapping: 0, stray: 0, numbersUsedTwice: 0 })
  deepEqual(habits(await own()), expected)
})

// GET /events: what happens in the mesh, as it happens, and what was missed.
import { deepEqual, equal, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let stack: Stack
before(async () => {
  stack = await startStack()
  await stack.startOperator()
  await register(1)
  await waitFor(async () => Object.keys(await stack.weights('web')).length === 1)
  await stack.settled()
})
after(() => stack.stop())

const register = (at: number) =>
  stack.consul.register({
    Name: 'web',
    ID: `web-${at}`,
    Address: '127.0.0.1',
    Port: 9900 + at,
    Check: { TTL: '600s', Status: 'passing' },
  })

interface Heard {
  readonly id: number
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read any field
  readonly data: any
}

async function listen(lastId?: number) {
  const leaving = new AbortController()
  const answer = await fetch(`${stack.operator().url}/api/v1/mesh/v2/events`, {
    signal: leaving.signal,
    headers: lastId === undefined ? {} : { 'last-event-id': String(lastId) },
  })
  equal(answer.headers.get('content-type'), 'text/event-stream')
  let text = ''
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body!) text += decoder.decode(chunk as Uint8Array, { stream: true })
  })().catch(() => {}) // ended by us
  const heard = (): Heard[] =>
    text
      .split('\n\n')
      .slice(0, -1)
      .flatMap((block) => {
        const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(block) ?? []
        return id === undefined ? [] : [{ id: Number(id), event: event!, data: JSON.parse(data!) }]
      })
  const stop = async () => {
    leaving.abort()
    await reading
  }
  return { heard, stop }
}

test('health changes and what was written for them are told, and replayed after the last id', async () => {
  const first = await listen()
  // Over and over: what was so when the operator looked for the first time is no news.
  let isWarned = false
  await waitFor(
    async () => {
      isWarned = !isWarned
      await stack.consul.setCheck('service:web-1', isWarned ? 'warn' : 'pass')
      return first.heard().some(({ event, data }) => event === 'health' && data.to === 'degraded')
    },
    { pollMs: 1_000 },
  )
  await register(2)
  const added = await waitFor(() =>
    first.heard().find(({ event, data }) => event === 'health' && data.instance_id === 'web-2'),
  )
  deepEqual(added.data, { service_name: 'web', instance_id: 'web-2', from: null, to: 'healthy' })
  // The operator's own service is written too, whenever its election has registered it.
  const isWritten = ({ event, data }: { event: string; data: { service?: string } }) =>
    event === 'reconcile' && data.service === 'web'
  await waitFor(() => first.heard().some(isWritten))
  const ids = first.heard().map(({ id }) => id)
  deepEqual(
    ids,
    [...ids].sort((left, right) => left - right),
  )
  await first.stop()

  const again = await listen(ids[0])
  await waitFor(() => again.heard().length >= ids.length - 1)
  deepEqual(
    again
      .heard()
      .slice(0, ids.length - 1)
      .map(({ id }) => id),
    ids.slice(1),
  )
  await again.stop()
})

test('a circuit that a plugin process tells of as open is an event', async () => {
  const stream = await listen()
  const { url } = stack.operator()
  const mesh = (await (await fetch(`${url}/internal/mesh`)).json()) as {
    services: { service: string; serviceId: string }[]
  }
  const { serviceId } = mesh.services.find(({ service }) => service === 'web')!
  const told = {
    node: 'k',
    atMs: Date.now(),
    epoch: 'e',
    circuits: [{ circuit: { kind: 'service', serviceId }, state: 'open', since: null, until: null }],
  }
  await fetch(`${url}/internal/circuits`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(told),
  })
  const event = await waitFor(() => stream.heard().find((each) => each.event === 'breaker'))
  deepEqual([event.data.service_name, event.data.from, event.data.to], ['web', 'closed', 'open'])
  ok(event.id > 0)
  await stream.stop()
})

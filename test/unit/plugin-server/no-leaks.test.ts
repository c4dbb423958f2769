import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { definePlugin, type Handler } from '../../../plugins/server/form/define-plugin.ts'
import { encode } from '../../../plugins/server/msgpack/encode.ts'
import { hostOf, turn } from '../../support/plugin-host.ts'

const EVENTS = 20_000
const GROWTH_BYTES = 4_000_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

async function heapAfterGc(): Promise<number> {
  await turn()
  collectGarbage()
  collectGarbage()
  return process.memoryUsage().heapUsed
}

const KINDS: [what: string, handler: Handler<unknown>, open: number][] = [
  ['that make no PDK call', () => {}, 0],
  ['that make none and are asynchronous', async () => {}, 0],
  ['that end in response.exit', (kong) => kong.response.exit(503, 'no'), 0],
  ['that are abandoned half-way', async (kong) => void (await kong.request.getHeaders()), 1_000],
]
for (const [what, access, open] of KINDS) {
  test(`${EVENTS} events ${what} leave nothing`, async () => {
    const module = definePlugin<unknown>({
      name: 'toy',
      version: '1.0.0',
      priority: 1,
      schema: [],
      configure: () => null,
      handlers: { access },
    })
    const { host, clock, connect } = hostOf(module, { maxOpenEvents: 1_000 })
    const kong = connect()
    await kong.ask('StartInstance', { Name: 'toy', Config: '{}' })
    const event = encode([0, 2, 'plugin.HandleEvent', [{ InstanceId: 0, EventName: 'access' }]])
    const run = async (count: number) => {
      for (let i = 0; i < count; i++) {
        kong.socket.receive(event)
        kong.socket.written = []
        if (i % 500 === 0) await turn()
      }
    }
    await run(2_000)
    const before = await heapAfterGc()
    await run(EVENTS)
    await turn()
    assert.equal(host.events.size, open)
    clock.now += 60_001
    host.sweep()
    assert.equal(host.events.size, 0)
    const growth = (await heapAfterGc()) - before
    assert.ok(growth < GROWTH_BYTES, `${growth} bytes more after ${EVENTS} events`)
  })
}

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import fc from 'fast-check'
import { waitInSteps } from '../../../plugins/mesh-circuit-breaker/wait-in-steps.ts'
import { definePlugin, type Handler } from '../../../plugins/server/form/define-plugin.ts'
import type { ChannelPdk } from '../../../plugins/server/form/pdk-calls.ts'
import type { PluginModule } from '../../../plugins/server/form/plugin-module.ts'
import { encode } from '../../../plugins/server/msgpack/encode.ts'
import { connectTo, hostOf, turn } from '../../support/plugin-host.ts'
import { waitFor } from '../../support/wait-for.ts'

const toyA = createRequire(import.meta.url)(
  join(import.meta.dirname, '..', '..', 'fixtures', 'plugin-rpc', 'toy-a.cjs'),
) as PluginModule

function pluginOf(access: Handler<Record<string, unknown>>): PluginModule {
  return definePlugin({
    name: 'toy',
    version: '1.0.0',
    priority: 1,
    schema: [],
    configure: (raw) => raw,
    handlers: { access },
  })
}

/** A host with one instance, and a connection to it. */
async function started(module: PluginModule, config: object = {}, options = {}) {
  const made = hostOf(module, options)
  const kong = made.connect()
  const { result } = await kong.ask('StartInstance', {
    Name: made.plugin.name,
    Config: JSON.stringify(config),
  })
  return { ...made, kong, access: { InstanceId: result.Id, EventName: 'access' } }
}

test('a decision without a PDK call is answered before the chunk has been read to its end', async () => {
  const { host, kong, access } = await started(pluginOf(() => {}))
  kong.send('HandleEvent', access)
  assert.deepEqual(
    kong.answers().map(({ result }) => result),
    [{ Data: 'ret', EventId: 0 }],
  )
  assert.equal(host.events.size, 0)
})

/** A handler that asks without promises. */
const asking = (use: (kong: ChannelPdk) => unknown) => pluginOf((kong) => use(kong as ChannelPdk))

test('what a handler asks for without a promise is answered within the chunk, and so is its end', async () => {
  const { host, kong, access } = await started(
    asking((pdk) =>
      pdk.ask('a', [1], (first) => pdk.ask('b', [first], (second) => void pdk.allow(Number(second)))),
    ),
  )
  kong.send('HandleEvent', access)
  kong.send('StepMultiMap', { EventId: 0, Data: { host: ['web'] } })
  kong.send('Step', { EventId: 0, Data: 7 })
  assert.deepEqual(
    kong.answers().map(({ result }) => result.Data),
    [{ Method: 'a', Args: [1] }, { Method: 'b', Args: [{ host: ['web'] }] }, 'ret'],
  )
  assert.equal(host.events.size, 0)
})

for (const [how, next] of [
  ['throws', () => assert.fail('broken')],
  ['rejects', () => Promise.reject(new Error('broken'))],
] as const) {
  test(`whoever goes on with the result and ${how} lets the request go on`, async () => {
    const { host, kong, access } = await started(asking((pdk) => pdk.ask('a', [], next)))
    kong.send('HandleEvent', access)
    kong.send('Step', { EventId: 0 })
    await turn()
    assert.deepEqual(kong.answers()[1]?.result, { Data: 'ret', EventId: 0 })
    assert.equal(host.stats.get('toy')!.errors.handler_threw, 1)
    assert.equal(host.events.size, 0)
  })
}

test('whoever asked is not gone on for when Kong refuses the call, and the request goes on', async () => {
  let wentOn = 0
  const { host, kong, access } = await started(asking((pdk) => pdk.ask('a', [], () => wentOn++)))
  kong.send('HandleEvent', access)
  kong.send('StepError', { EventId: 0, Data: 'no' })
  assert.deepEqual(kong.answers()[1]?.result, { Data: 'ret', EventId: 0 })
  assert.deepEqual([wentOn, host.events.size, host.stats.get('toy')!.errors.handler_threw], [0, 0, 1])
})

test('the time of whoever goes on with a promise is limited too, and an exit that is asked for ends the event', async () => {
  const forever = asking((pdk) => pdk.ask('a', [], () => new Promise(() => {})))
  const { clock, host, kong, access } = await started(forever, {}, { handlerLimitMs: 5 })
  kong.send('HandleEvent', access)
  kong.send('Step', { EventId: 0 })
  clock.now = 10
  await waitFor(() => host.events.size === 0, { what: 'the end of its time' })
  assert.equal(host.stats.get('toy')!.errors.handler_late, 1)
  const exiting = await started(asking((pdk) => pdk.ask('kong.response.exit', [403], () => assert.fail())))
  exiting.kong.send('HandleEvent', exiting.access)
  assert.equal(exiting.host.events.size, 0)
})

test('PDK calls are steps, and their results are what the handler awaits', async () => {
  const seen: unknown[] = []
  const { kong, access } = await started(
    pluginOf(async (pdk) => {
      seen.push(await pdk.request.getHeaders())
      await pdk.service.request.setHeaders({ a: '1' })
    }),
  )
  const first = await kong.ask('HandleEvent', access)
  assert.deepEqual(first.result, { Data: { Method: 'kong.request.get_headers', Args: [] }, EventId: 0 })
  const second = await kong.ask('StepMultiMap', { EventId: 0, Data: { host: ['web'] } })
  assert.deepEqual(second.result.Data, { Method: 'kong.service.request.set_headers', Args: [{ a: '1' }] })
  assert.equal((await kong.ask('Step', { EventId: 0 })).result.Data, 'ret')
  assert.deepEqual(seen, [{ host: ['web'] }])
})

test('a step may come on another connection than its event', async () => {
  const { host, kong, access } = await started(pluginOf((pdk) => pdk.request.getMethod()))
  await kong.ask('HandleEvent', access)
  const other = connectTo(host, 'toy')
  assert.equal((await other.ask('Step', { EventId: 0, Data: 'GET' })).result.Data, 'ret')
  assert.deepEqual(kong.answers(), [])
})

test('a handler that asks for more time than the limit gets it, and says something to Kong meanwhile', async () => {
  const { host, kong, access } = await started(
    pluginOf((pdk) => waitInSteps(pdk, 250)),
    {},
    { handlerLimitMs: 100, now: () => performance.now() },
  )
  const startedMs = performance.now()
  const ask = async (method: string, argument: object) => {
    kong.send(method, argument)
    const answers = await waitFor(() => [kong.answers()].find(({ length }) => length > 0))
    return answers[0]!.result.Data
  }
  const delayed = { Method: 'kong.response.set_header', Args: ['X-Mesh-Fault', 'delay'] }
  assert.deepEqual(await ask('HandleEvent', access), delayed)
  let steps = 1
  for (let data = await ask('Step', { EventId: 0 }); data !== 'ret'; steps++) {
    assert.deepEqual(data, delayed)
    data = await ask('Step', { EventId: 0 })
  }
  assert.ok(steps >= 2)
  assert.ok(performance.now() - startedMs >= 249)
  assert.equal(host.stats.get('toy')!.errors.handler_late, 0)
})

test('calls that are not awaited are made in order, and the end comes last', async () => {
  const { host, kong, access } = await started(
    pluginOf((pdk) => {
      void pdk.response.setHeader('a', '1')
      void pdk.response.setHeader('b', '2')
    }),
  )
  const datas = [
    (await kong.ask('HandleEvent', access)).result.Data.Args,
    (await kong.ask('Step', { EventId: 0 })).result.Data.Args,
    (await kong.ask('Step', { EventId: 0 })).result.Data,
  ]
  assert.deepEqual(datas, [['a', '1'], ['b', '2'], 'ret'])
  assert.equal(host.events.size, 0)
})

test('nothing is kept of an event that ends in response.exit, and later calls fail', async () => {
  let later: Promise<unknown> = Promise.resolve()
  const { host, kong, access } = await started(
    pluginOf(async (pdk) => {
      await pdk.response.exit(503, 'no', { 'Retry-After': '1' })
      later = pdk.request.getMethod()
      await later
    }),
  )
  const { result } = await kong.ask('HandleEvent', access)
  assert.deepEqual(result.Data, { Method: 'kong.response.exit', Args: [503, 'no', { 'Retry-After': '1' }] })
  assert.equal(host.events.size, 0)
  await assert.rejects(later, /gone on without this plugin/)
  assert.deepEqual(kong.answers(), [])
})

const FAILING: [what: string, handler: Handler<Record<string, unknown>>][] = [
  [
    'throws',
    () => {
      throw new Error('broken')
    },
  ],
  [
    'rejects',
    async () => {
      throw new Error('broken')
    },
  ],
  [
    'throws something that is no error',
    () => {
      throw 'text'
    },
  ],
  ['asks Kong to take a function', (pdk) => pdk.response.exit(503, (() => {}) as never)],
]
for (const [what, handler] of FAILING) {
  test(`a handler that ${what} lets the request go on`, async () => {
    const { host, kong, access } = await started(pluginOf(handler))
    assert.equal((await kong.ask('HandleEvent', access)).result.Data, 'ret')
    assert.equal(host.events.size, 0)
    assert.equal(host.stats.get('toy')!.errors.handler_threw, 1)
  })
}

test('a plugin whose configuration it cannot read lets the request go on', async () => {
  const module = definePlugin<null>({
    name: 'toy',
    version: '1.0.0',
    priority: 1,
    schema: [],
    configure: () => {
      throw new Error('no')
    },
    handlers: { access: () => {} },
  })
  const { kong, access } = await started(module)
  assert.equal((await kong.ask('HandleEvent', access)).result.Data, 'ret')
})

test('a handler that takes too long lets the request go on, and what it does later is not sent', async () => {
  let go = () => {}
  const { host, kong, access } = await started(
    pluginOf(async (pdk) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      await pdk.request.getMethod()
    }),
    {},
    { now: () => performance.now(), handlerLimitMs: 20 },
  )
  kong.send('HandleEvent', access)
  const [answer] = await waitFor(() => (kong.socket.written.length > 0 ? kong.answers() : null))
  assert.equal(answer!.result.Data, 'ret')
  assert.equal(host.events.size, 0)
  assert.equal(host.stats.get('toy')!.errors.handler_late, 1)
  go()
  await turn()
  assert.deepEqual(kong.answers(), [])
})

test("time that Kong takes for PDK calls is not the handler's", async () => {
  const { clock, kong, access } = await started(pluginOf(async (pdk) => void (await pdk.request.getMethod())))
  await kong.ask('HandleEvent', access)
  clock.now += 10_000
  assert.equal((await kong.ask('Step', { EventId: 0, Data: 'GET' })).result.Data, 'ret')
})

test("Kong's refusal of a call is an error for the handler, and it may go on", async () => {
  const { kong, access } = await started(
    pluginOf(async (pdk) => {
      await pdk.request.getMethod().catch((error: Error) => pdk.log.err(error.message))
    }),
  )
  await kong.ask('HandleEvent', access)
  const { result } = await kong.ask('StepError', { EventId: 0, Data: 'not here' })
  assert.deepEqual(result.Data.Args, ['PDK method kong.request.get_method failed:  not here'])
})

test('events that nobody steps again are forgotten by age, and their handlers end', async () => {
  let ended = ''
  const { host, clock, kong, access } = await started(
    pluginOf((pdk) =>
      pdk.request.getMethod().catch((error: Error) => {
        ended = error.message
      }),
    ),
  )
  await kong.ask('HandleEvent', access)
  host.sweep()
  assert.equal(host.events.size, 1)
  clock.now += 60_001
  host.sweep()
  await turn()
  assert.equal(host.events.size, 0)
  assert.match(ended, /gone on without/)
  assert.equal((await kong.ask('Step', { EventId: 0 })).error, 'event id 0 not found')
})

test('there are never more open events than allowed: the oldest goes', async () => {
  const { host, kong, access } = await started(
    pluginOf((pdk) => pdk.request.getMethod()),
    {},
    { maxOpenEvents: 3 },
  )
  for (let i = 0; i < 5; i++) await kong.ask('HandleEvent', access)
  assert.equal(host.events.size, 3)
  assert.equal((await kong.ask('Step', { EventId: 1 })).error, 'event id 1 not found')
  assert.equal((await kong.ask('Step', { EventId: 4 })).result.Data, 'ret')
})

test('an instance that nobody uses is forgotten, and Kong is told to start it again', async () => {
  const { host, clock, kong, access } = await started(pluginOf(() => {}))
  clock.now += 3_600_001
  host.sweep()
  assert.equal((await kong.ask('HandleEvent', access)).error, 'no plugin instance #0')
})

test('events that were on their way when their instance was closed are run by it for ten seconds', async () => {
  const seen: unknown[] = []
  const { host, clock, kong, access } = await started(
    pluginOf((_, config) => void seen.push(config['of'])),
    { of: 'the old one' },
  )
  await kong.ask('StartInstance', { Name: 'toy', Config: '{"of":"the new one"}' })
  await kong.ask('CloseInstance', access.InstanceId)
  clock.now += 9_000
  assert.equal((await kong.ask('HandleEvent', access)).result.Data, 'ret')
  assert.deepEqual(seen, ['the old one'])
  assert.equal(host.instances.size, 1, 'and it counts no more')
  assert.match((await kong.ask('InstanceStatus', access.InstanceId)).error!, /no plugin instance/)
  assert.match((await kong.ask('CloseInstance', access.InstanceId)).error!, /no plugin instance/)
  clock.now += 1_001
  host.sweep()
  assert.match((await kong.ask('HandleEvent', access)).error!, /no plugin instance/)
})

test('of closed instances the last 4,096 are kept', async () => {
  const { kong, access } = await started(pluginOf(() => {}))
  await kong.ask('CloseInstance', access.InstanceId)
  for (let id = 1; id <= 4_096; id++) {
    kong.send('StartInstance', { Name: 'toy', Config: '{}' })
    kong.send('CloseInstance', id)
  }
  kong.answers()
  assert.match((await kong.ask('HandleEvent', access)).error!, /no plugin instance/)
  assert.equal((await kong.ask('HandleEvent', { ...access, InstanceId: 1 })).error, null)
})

const UNKNOWN: [method: string, args: unknown[], error: string][] = [
  ['HandleEvent', [{ InstanceId: 99, EventName: 'access' }], 'no plugin instance #99'],
  // Not the text at which Kong starts all instances anew.
  ['HandleEvent', [], 'an event for no instance'],
  ['HandleEvent', [{ EventName: 'access' }], 'an event for no instance'],
  ['HandleEvent', [{ InstanceId: null, EventName: 'access' }], 'an event for no instance'],
  ['CloseInstance', [99], 'no plugin instance #99'],
  ['InstanceStatus', [99], 'no plugin instance #99'],
  ['Step', [{ EventId: 12345 }], 'event id 12345 not found'],
  ['Step', [], 'event id undefined not found'],
  ['NoSuch', [], 'method NoSuch not implemented'],
  ['constructor', [], 'method constructor not implemented'],
  ['StepNoSuch', [{ EventId: 0 }], 'method StepNoSuch not implemented'],
  ['StartInstance', [{ Name: 'other', Config: '{}' }], 'other: other is not served here'],
  ['StartInstance', [{ Name: 'toy' }], 'StartInstance needs Name and Config'],
  ['GetPluginInfo', ['other'], 'other is not served here'],
]
for (const [method, args, error] of UNKNOWN) {
  test(`${method} of ${JSON.stringify(args)} is answered with an error`, async () => {
    const kong = hostOf(pluginOf(() => {})).connect()
    assert.equal((await kong.ask(method, ...args)).error, error)
    assert.equal((await kong.ask('GetPluginNames')).result[0], 'toy', 'and the connection goes on')
  })
}

test('a step for an event that awaits none is refused and disturbs nothing', async () => {
  const { kong, access } = await started(
    pluginOf(() => delay(15)),
    {},
    { now: () => performance.now() },
  )
  kong.send('HandleEvent', access)
  assert.equal((await kong.ask('Step', { EventId: 0 })).error, 'event id 0 awaits no step')
  await waitFor(() => kong.socket.written.length > 0)
  assert.equal(kong.answers()[0]!.result.Data, 'ret')
})

test('two messages in one chunk get two answers', async () => {
  const { kong, access } = await started(pluginOf(() => {}))
  kong.socket.receive(
    Buffer.concat([
      encode([0, 8, 'plugin.HandleEvent', [access]]),
      encode([0, 9, 'plugin.HandleEvent', [access]]),
    ]),
  )
  assert.deepEqual(
    kong.answers().map(({ id }) => id),
    [8, 9],
  )
})

test('an answer that Kong has stopped waiting for is not sent on a connection that it uses again', async () => {
  const { host, clock, kong, access } = await started(
    pluginOf((_, config) => config['hold']),
    {},
    { handlerLimitMs: 1e9 },
  )
  let go = () => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  const { result } = await kong.ask('StartInstance', { Name: 'toy', Config: '{}' })
  host.instances.get(result.Id)!.run = () => held
  kong.send('HandleEvent', { InstanceId: result.Id, EventName: 'access' })
  clock.now += 500
  const next = kong.send('HandleEvent', access)
  go()
  await turn()
  assert.deepEqual(
    kong.answers().map(({ id }) => id),
    [next],
  )
  assert.equal(host.stats.get('toy')!.errors.late_reply, 1)
})

test('a connection with bytes that are no message is dropped, the others go on', async () => {
  const { host, kong, access } = await started(pluginOf(() => {}))
  const other = connectTo(host, 'toy')
  other.socket.receive(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  assert.equal(other.socket.destroyed, true)
  assert.equal((await kong.ask('HandleEvent', access)).result.Data, 'ret')
})

test('no bytes whatever make the server throw or keep anything', async () => {
  const scalar = fc.oneof(fc.integer(), fc.string(), fc.constant(null), fc.boolean())
  const anything = fc.oneof(scalar, fc.array(scalar), fc.dictionary(fc.string(), scalar))
  const method = fc.constantFrom(
    'HandleEvent',
    'Step',
    'StepError',
    'StartInstance',
    'CloseInstance',
    'GetStatus',
    '',
  )
  const message = fc.oneof(
    fc.tuple(
      fc.constantFrom(0, 1, 2, 7),
      anything,
      method.map((name) => `plugin.${name}`),
      fc.array(anything),
    ),
    fc.tuple(anything, anything, anything, anything),
    fc.array(anything),
  )
  const { host } = await started(toyA)
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 5 }),
      fc.uint8Array({ maxLength: 20 }),
      (messages, garbage) => {
        const peer = connectTo(host, 'toy-a')
        for (const one of messages) peer.socket.receive(encode(one))
        peer.socket.receive(Buffer.from(garbage))
        peer.socket.destroy()
      },
    ),
    { numRuns: 1_000 },
  )
  await turn()
  assert.equal(host.events.size, 0)
  assert.equal(host.stats.get('toy-a')!.connections, 1)
})

test('the same functions are what the class form of kong-pdk calls', () => {
  const module = definePlugin({
    name: 'toy',
    version: '1.0.0',
    priority: 1,
    schema: [],
    configure: (raw) => ({ size: raw['size'] }),
    handlers: { access: (_, config, instance) => [config, instance] },
  })
  const raw = { size: 3, __plugin_id: 'p', route_id: 'r', __seq__: 4 }
  const plugin = new module.Plugin(raw)
  assert.deepEqual(plugin.access!({}), [
    { size: 3 },
    { pluginId: 'p', serviceId: null, routeId: 'r', sequence: 4, id: null },
  ])
})

test('answers that nobody reads do not fill the memory', async () => {
  const { host, kong } = await started(pluginOf(() => {}))
  kong.socket.writableLength = 9_000_000
  kong.send('GetStatus')
  assert.equal(kong.socket.destroyed, true)
  assert.equal(host.stats.get('toy')!.errors.slow_peer, 1)
})

test('of two messages that were read late and are not numbered one by one, only the later is answered', async () => {
  let waitedMs = 0
  const { host, plugin } = hostOf(pluginOf(() => {}))
  const kong = connectTo(host, plugin.name, { waitedMs: () => waitedMs, later: setImmediate })
  const status = (id: number) => encode([0, id, 'plugin.GetPluginNames', []])
  const answered = async (...ids: number[]) => {
    kong.socket.receive(Buffer.concat(ids.map(status)))
    await turn()
    return kong.answers().map(({ id }) => id)
  }
  assert.deepEqual(await answered(8, 20), [8, 20], 'nobody was held up')
  waitedMs = 30
  assert.deepEqual(await answered(21, 22, 23), [21, 22, 23])
  assert.deepEqual(await answered(24, 40), [40])
  assert.equal(host.stats.get('toy')!.errors.late_reply, 1)
})

test('an instance is still started when events are no longer answered: Kong answers 500 without it', async () => {
  let waitedMs = 0
  const { host, plugin } = hostOf(pluginOf(() => {}))
  const limits = { waitedMs: () => waitedMs, lateAfterMs: 100, startLateAfterMs: 400 }
  const start = { Name: 'toy', Config: '{}' }
  const kong = connectTo(host, plugin.name, limits)
  waitedMs = 300
  const { result } = await kong.ask('StartInstance', start)
  kong.send('HandleEvent', { InstanceId: result.Id, EventName: 'access' })
  await turn()
  assert.deepEqual(kong.answers(), [])
  assert.equal(kong.socket.destroyed, true)
  const other = connectTo(host, plugin.name, limits)
  waitedMs = 401
  other.send('StartInstance', start)
  assert.deepEqual(other.answers(), [])
  assert.equal(host.instances.size, 1, 'and nothing was started for nobody')
  assert.equal(host.stats.get('toy')!.errors.late_reply, 2, 'requests that went on without the plugin')
})

test('an answer that may come when Kong waits no longer ends the connection instead', async () => {
  let waitedMs = 0
  const { host, plugin, clock } = hostOf(pluginOf(() => {}))
  const kong = connectTo(host, plugin.name, { waitedMs: () => waitedMs, lateAfterMs: 400 })
  const { result } = await kong.ask('StartInstance', { Name: 'toy', Config: '{}' })
  const access = { InstanceId: result.Id, EventName: 'access' }
  waitedMs = 399
  assert.equal((await kong.ask('HandleEvent', access)).error, null)
  host.instances.get(result.Id)!.run = turn
  kong.send('HandleEvent', access)
  clock.now += 2
  await turn()
  await turn()
  assert.deepEqual(kong.answers(), [])
  assert.equal(kong.socket.destroyed, true)
  assert.equal(host.stats.get('toy')!.errors.late_reply, 1)
})

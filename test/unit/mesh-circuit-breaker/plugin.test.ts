import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import type { FaultView } from '../../../operator/core/faults.ts'
import { circuitBreakerPlugin } from '../../../plugins/mesh-circuit-breaker/plugin.ts'
import type { FunctionHandlers } from '../../../plugins/server/form/define-plugin.ts'
import { ChannelPdk } from '../../../plugins/server/form/pdk-calls.ts'

const FAULTS: FaultView = {
  delayMs: null,
  delayPercent: 100,
  abortPercent: 100,
  abortStatus: 503,
  paths: [],
  untilMs: Number.MAX_SAFE_INTEGER,
}

/** One access phase. @returns calls of the PDK, and how often the circuit was asked */
async function access(faults: FaultView | null) {
  const calls: unknown[][] = []
  let decided = 0
  const { Handlers } = circuitBreakerPlugin({
    configure: () => {},
    decide: () => {
      decided++
      return 0
    },
    refused: () => ({ service: 'web', state: 'open' }),
    serviceOf: () => 'web',
    faultsOf: () => faults,
  })
  const kong = new ChannelPdk({
    call: async (method, args) => {
      if (method === 'kong.request.get_path') return '/buy/1'
      const name = method.slice(method.lastIndexOf('.') + 1)
      calls.push(name === 'exit' ? [name, args[0]] : [name, ...args])
      return undefined
    },
    ask: () => {
      throw new Error('it asks nothing without a promise')
    },
    allow: (ms) => calls.push(['allow', ms]),
  })
  const { configure, phases } = Handlers as FunctionHandlers
  const instance = { pluginId: 'p', serviceId: 's1', routeId: null, sequence: 1, id: 1 }
  const result = (phases.access as (...args: unknown[]) => unknown)(kong, configure({}, instance), instance)
  const isAtOnce = !(result instanceof Promise)
  await result
  return { calls, decided, isAtOnce }
}

test('without faults the circuit decides at once, without a call of the PDK', async () => {
  deepEqual(await access(null), { calls: [], decided: 1, isAtOnce: true })
})

test('an aborted request takes no permit of the circuit', async () => {
  const { calls, decided } = await access(FAULTS)
  deepEqual([calls, decided], [[['exit', 503]], 0])
})

test('a delayed request asks for the time, says so, and is then decided about', async () => {
  const { calls, decided } = await access({ ...FAULTS, abortPercent: 0, delayMs: 5 })
  deepEqual(calls[0], ['allow', 55])
  equal(
    calls
      .slice(1)
      .every(([what, name, value]) => `${what} ${name} ${value}` === 'set_header X-Mesh-Fault delay'),
    true,
  )
  equal(decided, 1)
})

test('a request below none of the paths is left alone', async () => {
  deepEqual((await access({ ...FAULTS, paths: ['/other'] })).calls, [])
})

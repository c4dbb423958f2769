// The mesh's plugins on the services of a Kong that has loaded them, and of one that has not, or no longer.
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { type MeshPluginEnv, meshPluginEnv } from '../support/mesh-plugins.ts'
import { type KongRow, type Stack, startStack } from '../support/operator-stack.ts'
import { waitFor } from '../support/wait-for.ts'

let plugins: MeshPluginEnv
let stack: Stack
let proxy: FaultyProxy
/** What Kong says it has not loaded: no schema, and its entities are refused. */
let lost: RegExp | null = null
before(async () => {
  plugins = await meshPluginEnv()
  stack = await startStack({ kongEnv: plugins.env })
  const missing = { status: 404, body: '{"message":"No plugin named it"}' }
  const notEnabled = {
    status: 400,
    headers: { 'content-type': 'application/json' },
    body: '{"code":2,"name":"schema violation","message":"schema violation (name: plugin not enabled)"}',
  }
  proxy = await startFaultyProxy(stack.adminUrl, (method, path, body) => {
    if (lost === null) return 'none'
    if (path.startsWith('/schemas/plugins/') && lost.test(path)) return missing
    if (path.startsWith('/plugins') && method !== 'GET' && lost.test(`${path} ${body}`)) return notEnabled
    return 'none'
  })
  await stack.startOperator({ kong: { adminUrl: proxy.url } })
})
after(async () => {
  await stack.stop()
  await proxy.close()
  plugins.remove()
})

const register = (name: string) =>
  stack.consul.register({ Name: name, ID: `${name}-1`, Address: '127.0.0.1', Port: 9300 })
const pluginsOf = async (service: string): Promise<KongRow[]> =>
  (await stack.admin('GET', `/services/mesh.${service}/plugins`)).body.data ?? []
const pluginOf = async (service: string, name: string): Promise<KongRow> =>
  (await pluginsOf(service)).find((row) => row.name === name)
const namesOf = async (service: string) => (await pluginsOf(service)).map(({ name }) => name).sort()
const both = ['mesh-circuit-breaker', 'mesh-tracing']
const status = () => stack.operator().status()

async function deploy(name: string): Promise<void> {
  await register(name)
  await waitFor(async () => (await namesOf(name)).length === 2, { what: `the plugins of ${name}` })
  await stack.settled()
}
const configBecomes = (service: string, plugin: string, is: (config: KongRow) => boolean, what: string) =>
  waitFor(async () => is((await pluginOf(service, plugin)).config), { what })

test('every service gets both plugins with its settings, and a second look finds nothing to do', async () => {
  await deploy('web')
  deepEqual(await namesOf('web'), both)
  const breaker = await pluginOf('web', 'mesh-circuit-breaker')
  deepEqual([breaker.config.mode, breaker.config.consecutive_failures], ['auto', 5])
  const before = proxy.requests.filter((line) => !line.startsWith('GET')).length
  await stack.operator().apply(null)
  await stack.settled()
  equal(proxy.requests.filter((line) => !line.startsWith('GET')).length, before)
  deepEqual(status().overrides, [])
  ok(status().problems.every(({ code }) => code !== 'PLUGINS_MISSING'))
})

test('a list that gets shorter is shorter in Kong', async () => {
  await deploy('short')
  const extract = ['w3c', 'b3', 'b3-single', 'jaeger', 'ot', 'datadog', 'aws', 'gcp', 'mesh']
  await stack.consul.setKey('mesh/services/short', JSON.stringify({ tracing: { propagation: { extract } } }))
  const extracts = (count: number) =>
    configBecomes(
      'short',
      'mesh-tracing',
      ({ propagation }) => propagation.extract.length === count,
      `${count}`,
    )
  await extracts(9)
  await stack.consul.setKey(
    'mesh/services/short',
    JSON.stringify({ tracing: { propagation: { extract: ['b3'], clear: ['x-old', 'x-older'] } } }),
  )
  await extracts(1)
  const { propagation } = (await pluginOf('short', 'mesh-tracing')).config
  deepEqual([propagation.extract, propagation.clear], [['b3'], ['x-old', 'x-older']])
  await stack.consul.setKey('mesh/services/short', '{}')
  await configBecomes('short', 'mesh-tracing', (config) => config.propagation.clear === null, 'clear is null')
})

test('a window of seconds becomes one of calls and goes back', async () => {
  await deploy('window')
  const window = (circuitBreaker: object) =>
    stack.consul.setKey('mesh/services/window', JSON.stringify({ circuitBreaker }))
  const becomes = (wanted: object) =>
    waitFor(
      async () => {
        const { config } = await pluginOf('window', 'mesh-circuit-breaker')
        deepEqual({ ...config.window }, wanted)
        return true
      },
      { what: `the window being ${JSON.stringify(wanted)}` },
    )
  await window({ window: { calls: 100 } })
  await becomes({ seconds: null, buckets: null, calls: 100 })
  await window({ window: { seconds: 30, buckets: 6 } })
  await becomes({ seconds: 30, buckets: 6, calls: null })
  await stack.settled()
  deepEqual(status().overrides, [])
})

test('the mode that a person sets on the plugin is kept, reported and released', async () => {
  await deploy('hand')
  const { id } = await pluginOf('hand', 'mesh-circuit-breaker')
  await stack.admin('PATCH', `/plugins/${id}`, { config: { mode: 'forced_open' } })
  await stack.operator().apply('hand')
  const override = await waitFor(() => status().overrides.find(({ service }) => service === 'hand'))
  deepEqual([override.field, override.wanted, override.actual], ['config.mode', 'auto', 'forced_open'])
  // The rest is managed on.
  await stack.consul.setKey('mesh/services/hand', JSON.stringify({ circuitBreaker: { openSeconds: 7 } }))
  await configBecomes('hand', 'mesh-circuit-breaker', (config) => config.open_seconds === 7, 'openSeconds')
  equal((await pluginOf('hand', 'mesh-circuit-breaker')).config.mode, 'forced_open')
  const url = `${stack.operator().url}/api/v1/mesh/v2/overrides/${id}?field=config.mode`
  equal((await fetch(url, { method: 'DELETE' })).status, 200)
  await configBecomes('hand', 'mesh-circuit-breaker', (config) => config.mode === 'auto', 'mode auto')
})

test('a Kong that loses a plugin goes on with the rest: told once, nothing fails, its entities stay', async () => {
  await deploy('before')
  lost = /mesh-circuit-breaker/
  await stack.operator().resync()
  const problem = await waitFor(() => status().problems.find(({ code }) => code === 'PLUGINS_MISSING'))
  match(problem.message, /mesh-circuit-breaker.*kongsul plugins/)
  await register('after')
  await waitFor(async () => (await namesOf('after')).join() === 'mesh-tracing')
  await stack.consul.setKey('mesh/services/before', JSON.stringify({ circuitBreaker: { openSeconds: 9 } }))
  await stack.operator().apply(null)
  await stack.settled()
  deepEqual([status().failing, status().problems.filter(({ severity }) => severity === 'error')], [[], []])
  deepEqual(await namesOf('before'), both)

  lost = null
  await stack.operator().resync()
  await waitFor(async () => (await namesOf('after')).length === 2)
  await configBecomes('before', 'mesh-circuit-breaker', (config) => config.open_seconds === 9, 'openSeconds')
  ok(status().problems.every(({ code }) => code !== 'PLUGINS_MISSING'))
})

test('a plugin that is lost between two looks holds up its service for one try', async () => {
  lost = /mesh-tracing/
  await register('unlucky')
  await waitFor(() => status().problems.some(({ code }) => code === 'PLUGINS_MISSING'))
  await waitFor(() => status().failing.length === 0 && status().pending.length === 0)
  deepEqual(await namesOf('unlucky'), ['mesh-circuit-breaker'])
  equal((await stack.admin('GET', '/routes/mesh.unlucky.host')).status, 200)
  lost = null
  await stack.operator().resync()
  await waitFor(async () => (await namesOf('unlucky')).length === 2)
})

// The bundled plugins in kong-pdk's own `kong-js-pluginserver`, which connects nobody with them: the exchanges of Kong are
// the same there as in our server.
import { deepEqual, equal, match } from 'node:assert/strict'
import { execSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { loadPlugins } from '../../plugins/server/form/load-plugin.ts'
import { RECORDED } from '../support/outcomes.ts'
import { dumpFolder, type PdkServer, startPdkServerOn } from '../support/pdk-server.ts'
import { type Answer, hostOf } from '../support/plugin-host.ts'
import { PluginPeer } from '../support/plugin-socket.ts'

const BUILD = join(import.meta.dirname, '..', '..', 'operator', 'setup', 'build.mjs')
const { buildPlugins } = (await import(pathToFileURL(BUILD).href)) as {
  buildPlugins(outdir: string): Promise<void>
}
const root = mkdtempSync(join(tmpdir(), 'stock-'))
const folder = join(root, 'plugins')
const socket = join(root, 'stock.sock')
let server: PdkServer
let peer: PluginPeer
before(async () => {
  await buildPlugins(folder)
  server = await startPdkServerOn(folder, socket)
  peer = new PluginPeer(socket, '', 20_000)
})
after(async () => {
  peer?.close()
  await server?.kill()
  rmSync(root, { recursive: true, force: true })
})

type Call = (method: string, argument: unknown) => Promise<Answer>
const stock: Call = (method, argument) => peer.call(method, argument)
/** Our own server in this process, with the plugin as it is in the sources. */
async function own(plugin: string): Promise<Call> {
  const { module } = (await loadPlugins([])).get(plugin)!
  const kong = hostOf(module).connect()
  return (method, argument) => kong.ask(method, argument)
}

const SERVICE = '4f132e4d-de9c-4207-98e0-850a51a025a2'
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
/** As Kong answers kong.request.get_headers, in a message of its own kind. */
const HEADERS = { host: ['127.0.0.1:18000'], traceparent: [`00-${TRACE}-${SPAN}-01`] }

/** StartInstance as Kong 3.9 sends it: the configuration is JSON text with fields of Kong's own. */
async function start(call: Call, plugin: string, config: object): Promise<number> {
  const { error, result } = await call('StartInstance', {
    Name: plugin,
    Config: JSON.stringify({
      ...config,
      __key__: `plugins:${plugin}::${SERVICE}:::36ee4bd4-aa1d-4a78-84f6-426915a0ae35`,
      service_id: SERVICE,
      __plugin_id: '68fa1c8a-07c9-46eb-9ff9-8266ac41e75e',
      __seq__: 9,
      __ws_id: '36ee4bd4-aa1d-4a78-84f6-426915a0ae35',
    }),
  })
  equal(error, null)
  return result.Id
}

test('it dumps all three as our server does', async () => {
  const dumped = JSON.parse(execSync(dumpFolder(folder), { encoding: 'utf8' })) as { Name: string }[]
  const ours = [...(await loadPlugins([])).values()].map(({ info }) => JSON.parse(JSON.stringify(info)))
  const byName = (a: { Name: string }, b: { Name: string }) => (a.Name < b.Name ? -1 : 1)
  deepEqual(dumped.sort(byName), ours.sort(byName))
})

for (const [where, open] of [
  ['the stock server', async () => stock],
  ['our server', own],
] as const) {
  test(`mesh-tracing continues a trace in ${where}`, async () => {
    const call = await open('mesh-tracing')
    const InstanceId = await start(call, 'mesh-tracing', { enabled: true, sampling_rate: 1 })
    const asked = (await call('HandleEvent', { InstanceId, EventName: 'access' })).result
    deepEqual(asked.Data, { Method: 'kong.request.get_headers', Args: [1_000] })
    const set = (await call('StepMultiMap', { EventId: asked.EventId, Data: HEADERS })).result.Data
    equal(set.Method, 'kong.service.request.set_headers')
    const [headers] = set.Args
    match(headers.traceparent, new RegExp(`^00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-01$`))
    deepEqual(headers['X-Mesh-Route'], `${SERVICE}/`)
    match(headers['X-Mesh-Span'], new RegExp(`^${SPAN}-[0-9a-f]{16}$`))
    // A result that is nil comes without the key.
    equal((await call('Step', { EventId: asked.EventId })).result.Data, 'ret')
  })

  test(`mesh-circuit-breaker lets pass without a call in ${where}, except what a person has opened`, async () => {
    const call = await open('mesh-circuit-breaker')
    const access = async (mode: string) => {
      const InstanceId = await start(call, 'mesh-circuit-breaker', {
        mode,
        failure_rate: 1,
        minimum_calls: 1,
      })
      return async () => (await call('HandleEvent', { InstanceId, EventName: 'access' })).result
    }
    for (const mode of ['auto', 'metrics_only', 'forced_closed', 'disabled']) {
      const request = await access(mode)
      for (let i = 0; i < 100; i++) equal((await request()).Data, 'ret', mode)
    }
    const { Data, EventId } = await (await access('forced_open'))()
    equal(Data.Method, 'kong.request.get_headers')
    const exit = (await call('StepMultiMap', { EventId, Data: HEADERS })).result.Data
    equal(exit.Method, 'kong.response.exit')
    const [status, body, headers] = exit.Args
    const { state, trace_id, service } = JSON.parse(body)
    deepEqual([status, state, trace_id, service], [503, 'forced_open', TRACE, SERVICE])
    match(headers['Retry-After'], /^[1-9]\d*$/)
    equal((await (await access('auto'))()).Data, 'ret')
  })

  test(`mesh-observer takes a record and whatever else comes in ${where}`, async () => {
    const call = await open('mesh-observer')
    const InstanceId = await start(call, 'mesh-observer', {})
    for (const data of [JSON.stringify(RECORDED['answered']!.serialized), 'no record', undefined]) {
      const { Data, EventId } = (await call('HandleEvent', { InstanceId, EventName: 'log' })).result
      deepEqual(Data, { Method: 'kong.log.serialize', Args: [] })
      equal((await call('Step', { EventId, Data: data })).result.Data, 'ret')
    }
    const { EventId } = (await call('HandleEvent', { InstanceId, EventName: 'log' })).result
    equal((await call('StepError', { EventId, Data: 'not in this phase' })).result.Data, 'ret')
  })
}

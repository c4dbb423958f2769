import { deepEqual, equal } from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { startGateway } from '../../kong/gateway/gateway.ts'
import { type Unpacked, unpack } from '../../kong/gateway/plugin-server/message-unpack.ts'
import { type EchoServer, startEchoServer } from '../support/echo-server.ts'
import { queryCommand } from '../support/pdk-server.ts'
import { startScriptedPluginServer } from '../support/scripted-plugin-server.ts'
import { waitFor } from '../support/wait-for.ts'

// A gateway is asked for the same as a Kong once was, and its plugin server answers with the recorded bytes. The
// message numbers, instances and events in those bytes only fit when every message is the recorded one.

interface Line {
  readonly mark?: string
  readonly dir?: 'kong->js' | 'js->kong'
  readonly conn: number
  readonly msg?: readonly [readonly [number, number, unknown, unknown]]
  readonly hex?: string
}

interface Scenario {
  readonly file: string
  /** Recorded message numbers, the last of them included. */
  readonly until: number
  readonly config: object
  readonly headers: Readonly<Record<string, string>>
  readonly steps: readonly {
    readonly change?: object
    readonly headers?: Readonly<Record<string, string>>
    readonly messages: number
  }[]
}

const ROUTE = 'a8eb2ad2-8d38-4e0a-a8d5-787c958cd06f'
const SERVICE = '4f132e4d-de9c-4207-98e0-850a51a025a2'
const PLUGIN = '68fa1c8a-07c9-46eb-9ff9-8266ac41e75e'
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const scenarios: readonly Scenario[] = [
  {
    file: 'rpc-recorded',
    until: 45,
    config: { message: 'changed', sleep_ms: 200 },
    headers: { 'x-in': 'IN', traceparent: TRACEPARENT },
    steps: [
      { messages: 3 },
      { messages: 5 },
      { change: { calls: 1 }, messages: 10 },
      { change: { calls: 3 }, messages: 17 },
      { change: { calls: 4 }, messages: 25 },
      { change: { mode: 'exit' }, messages: 29 },
      { change: { mode: 'none', calls: 0, log: true }, messages: 34 },
      { change: { mode: 'badpdk' }, messages: 40 },
      { change: { mode: 'throw' }, messages: 45 },
    ],
  },
  {
    file: 'rpc-raw',
    until: 46,
    config: {},
    headers: { 'x-in': 'IN' },
    steps: [
      { messages: 3 },
      { change: { calls: 1 }, messages: 8 },
      { change: { calls: 3 }, messages: 15 },
      { headers: { 'x-in': 'IN2' }, messages: 20 },
      { change: { calls: 4 }, messages: 28 },
      { change: { mode: 'exit' }, messages: 32 },
      { change: { mode: 'throw', calls: 0 }, messages: 36 },
      { change: { mode: 'badpdk' }, messages: 41 },
      { change: { mode: 'none', log: true }, headers: {}, messages: 46 },
    ],
  },
]

let upstream: EchoServer
let folder: string

before(async () => {
  upstream = await startEchoServer()
  folder = mkdtempSync(join(tmpdir(), 'rpc-'))
})
after(async () => {
  await upstream.close()
  rmSync(folder, { recursive: true })
})

for (const { file, until, config, headers, steps } of scenarios) {
  test(`the messages of ${file}.jsonl are sent again, field by field and type by type`, async () => {
    const lines = readRecording(file)
    const asked = bytesOf(lines, 'kong->js')
    const answers = bytesOf(lines, 'js->kong')
    const socket = join(folder, `${file}.sock`)
    const server = await startScriptedPluginServer(socket, ({ id }) => {
      const bytes = answers.get(id)
      return bytes ? { bytes } : { error: `nothing recorded for ${id}` }
    })
    const gateway = await startGateway({ proxyPort: 0, adminPort: 0, log: quiet, env: environment(socket) })
    try {
      const admin = (method: string, path: string, body: object) => put(gateway.adminPort, method, path, body)
      await admin('PUT', `/services/${SERVICE}`, { name: 's', host: '127.0.0.1', port: upstream.port })
      await admin('PUT', `/routes/${ROUTE}`, { name: 'a', service: { id: SERVICE }, paths: ['/a/'] })
      await admin('PUT', `/plugins/${PLUGIN}`, { name: 'toy-a', route: { id: ROUTE }, config })
      for (const { change, headers: others, messages } of steps) {
        if (change) await admin('PATCH', `/plugins/${PLUGIN}`, { config: change })
        await ask(gateway.proxyPort, {
          ...(others ?? headers),
          host: '127.0.0.1:18000',
          connection: 'keep-alive',
        })
        await waitFor(() => server.received.length >= messages, { what: `message ${messages}` })
      }
      equal(server.received.length, until)
      for (const { id, bytes } of server.received) {
        deepEqual(comparable(bytes), comparable(asked.get(id)!), `message ${id}`)
        if (!isVarying(bytes)) equal(bytes.length, asked.get(id)!.length, `length of message ${id}`)
      }
    } finally {
      await gateway.close()
      await server.close()
    }
  })
}

function readRecording(file: string): readonly Line[] {
  const path = new URL(`../fixtures/golden/${file}.jsonl`, import.meta.url)
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))
}

/** Recorded messages by their number; the first of a number counts. */
function bytesOf(lines: readonly Line[], direction: Line['dir']): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (const { dir, msg, hex } of lines) {
    const id = msg?.[0][1]
    if (dir === direction && id !== undefined && !found.has(id)) found.set(id, Buffer.from(hex!, 'hex'))
  }
  return found
}

/** Configurations and log records hold numbers and times of their run. */
const isVarying = (bytes: Buffer): boolean => /__seq__|workspace_name/.test(bytes.toString('latin1'))

/** A message without what differs from run to run; types of values instead of values in log records. */
function comparable(bytes: Buffer): unknown {
  const [type, id, method, args] = unpack(bytes)!.value as Unpacked[]
  const [first] = args as Unpacked[]
  if (typeof first !== 'object' || first === null || Array.isArray(first)) return [type, id, method, args]
  const { Config: config, Data: data, ...rest } = first
  return {
    ...{ type, id, method, rest: { ...rest } },
    ...(typeof config === 'string' ? { config: withoutRun(JSON.parse(config)) } : {}),
    ...(typeof data === 'string' && data.includes('workspace_name')
      ? { log: typesOf(JSON.parse(data)) }
      : { data: sortedMap(data) }),
  }
}

function withoutRun({ __ws_id: workspace, __seq__: seq, __key__: key, ...config }: Record<string, unknown>) {
  equal(String(key).endsWith(`::${workspace}`), true)
  return { ...config, seq: typeof seq, key: String(key).replace(String(workspace), '') }
}

/** Maps of Lua have no order; the process id is part of a header. */
function sortedMap(data: Unpacked | undefined): unknown {
  return data === undefined ? 'absent' : JSON.parse(JSON.stringify(data, Object.keys(Object(data)).sort()))
}

function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.fromEntries(
    Object.entries(value)
      // What the upstream sends is not what the recorded one sent.
      .filter(([name]) => !UPSTREAM_HEADERS.has(name))
      .map(([name, item]) => [name, typesOf(item)]),
  )
}

const UPSTREAM_HEADERS = new Set(['x-port', 'keep-alive', 'content-length', 'transfer-encoding'])

const quiet = { debug() {}, info() {}, warn() {}, error() {} }

function environment(socket: string): Record<string, string> {
  return {
    KONG_PLUGINS: 'bundled,toy-a',
    KONG_PLUGINSERVER_NAMES: 'js',
    KONG_PLUGINSERVER_JS_SOCKET: socket,
    KONG_PLUGINSERVER_JS_QUERY_CMD: queryCommand('toy-a'),
  }
}

async function put(port: number, method: string, path: string, body: object): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  equal(answer.status < 300, true, await answer.text())
}

function ask(port: number, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: '127.0.0.1', port, path: '/a/q', agent: false, headers }, (response) => {
      response.on('end', resolve).resume()
    })
    request.on('error', reject)
  })
}

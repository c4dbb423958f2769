import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from '../../plugins/server/msgpack/encode.ts'
import { PluginPeer } from '../support/plugin-socket.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Figure, Part } from './figure.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CONNECTIONS = 16
const BASELINE_EVENTS = 40_000
const EVENTS = 1_000_000
const WARM_EVENTS = 10_000

/** kongsul's plugin server beside kong-pdk's own, both with our tracing plugin. */
export const pluginServer: Part = {
  name: 'plugin-server',
  about: `the tracing exchange on ${CONNECTIONS} connections, beside kong-pdk's own server; then ${EVENTS} events`,
  async run(log) {
    const folder = mkdtempSync(join(tmpdir(), 'kb-'))
    const children: ChildProcess[] = []
    const start = (...args: readonly string[]) => {
      const env = { ...process.env, TS_NODE_SKIP_PROJECT: 'true' }
      const child = spawn(process.execPath, [...args], { env, stdio: 'ignore' })
      children.push(child)
      return child.pid!
    }
    try {
      const stockPid = start(
        join(ROOT, 'node_modules', 'kong-pdk', 'bin', 'kong-js-pluginserver'),
        ...['--plugins-directory', join(ROOT, 'dist', 'plugins'), '-p', folder, '--sock-name', 'stock.sock'],
      )
      const supervisor = start(
        join(ROOT, 'operator', 'cli', 'kongsul.mjs'),
        ...[
          'plugins',
          '--socket-dir',
          folder,
          '--plugins-port',
          '0',
          '--port',
          'feed=0',
          '--hang-ms',
          '5000',
        ],
      )
      const stock = await serverAt(join(folder, 'stock.sock'), null)
      const ours = await serverAt(join(folder, 'mesh-tracing.sock'), supervisor)
      await exchange(stock, WARM_EVENTS)
      await exchange(ours, WARM_EVENTS)
      const stockCost = await exchange(stock, BASELINE_EVENTS)
      log(
        `kong-pdk: ${Math.round(1e6 / stockCost.wallUs)} events/s, ${stockCost.cpuUs.toFixed(1)} us of processor, ${rssMb(stockPid)} MB`,
      )
      const ourCost = await exchange(ours, BASELINE_EVENTS)
      const before = rssMb(ours.pid)
      log(
        `kongsul: ${Math.round(1e6 / ourCost.wallUs)} events/s, ${ourCost.cpuUs.toFixed(1)} us of processor, ${before} MB`,
      )
      await exchange(ours, EVENTS)
      const after = rssMb(ours.pid)
      log(`kongsul after ${EVENTS} more: ${after} MB`)
      const figures: Figure[] = [
        {
          what: 'tracing exchange, time per event',
          value: ourCost.wallUs,
          unit: 'us',
          baseline: { what: "kong-pdk's server", value: stockCost.wallUs },
          goal: stockCost.wallUs / 3,
        },
        {
          what: 'tracing exchange, processor time of the server per event',
          value: ourCost.cpuUs,
          unit: 'us',
          baseline: { what: "kong-pdk's server", value: stockCost.cpuUs },
        },
        { what: `memory growth over ${EVENTS} events`, value: after - before, unit: 'MB', goal: 10 },
      ]
      return figures
    } finally {
      for (const child of children) child.kill()
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

interface Server {
  readonly path: string
  /** The process that answers. */
  readonly pid: number
  readonly instance: number
}

/** Waits for the server at `path`; `supervisor` answers itself until its worker is ready. */
async function serverAt(path: string, supervisor: number | null): Promise<Server> {
  await waitFor(() => existsSync(path), { deadlineMs: 30_000, what: path })
  const peer = new PluginPeer(path, 'mesh-tracing', 20_000)
  const pid = await waitFor(
    async () => {
      const { result } = await peer.call('GetStatus', null)
      return result.Pid === supervisor ? null : (result.Pid as number)
    },
    { deadlineMs: 30_000, what: 'a working process' },
  )
  const Config = JSON.stringify({ sampling_rate: 1, service_id: 's', route_id: 'r' })
  const { result } = await peer.call('StartInstance', { Name: 'mesh-tracing', Config })
  peer.close()
  return { path, pid, instance: result.Id }
}

function rssMb(pid: number): number {
  return Math.round(
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024,
  )
}

const HEADERS = {
  host: ['web.mesh'],
  'user-agent': ['curl/8.5.0'],
  accept: ['*/*'],
  traceparent: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
  connection: ['keep-alive'],
}

/** What each answer of an event holds. */
const EXPECTED = ['get_headers', 'set_headers', 'ret'] as const

interface Cost {
  readonly wallUs: number
  readonly cpuUs: number
}

/** Processor time of a process so far; the kernel counts in hundredths of a second. */
function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  return (Number(fields[13]) + Number(fields[14])) * 10_000
}

/** @returns microseconds per event: HandleEvent, getHeaders, setHeaders, ret. */
async function exchange({ path, pid, instance }: Server, events: number): Promise<Cost> {
  const cpuBefore = cpuUs(pid)
  const handle = encode([0, 7, 'plugin.HandleEvent', [{ InstanceId: instance, EventName: 'access' }]])
  let left = events
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket: Socket = connect(path)
      let step = 0
      const done = new Promise<void>((resolve, reject) => {
        socket.on('error', reject).on('data', (bytes: Buffer) => {
          if (!bytes.includes(EXPECTED[step]!))
            reject(new Error(`no ${EXPECTED[step]} in the answer: ${bytes.toString('latin1')}`))
          step = (step + 1) % 3
          if (step === 1) socket.write(stepFor(bytes, 'plugin.StepMultiMap', HEADERS))
          else if (step === 2) socket.write(stepFor(bytes, 'plugin.Step', undefined))
          else if (left-- > 0) socket.write(handle)
          else resolve()
        })
      })
      if (left-- > 0) {
        socket.write(handle)
        await done
      }
      socket.destroy()
    }),
  )
  return {
    wallUs: ((performance.now() - begin) * 1_000) / events,
    cpuUs: (cpuUs(pid) - cpuBefore) / events,
  }
}

const prefixes = new Map<string, { readonly head: Buffer; readonly tail: Buffer }>()

/** A step for the event that `reply` names; all but the event's id was encoded before: the load must cost less than what is measured. */
function stepFor(reply: Buffer, method: string, data: unknown): Buffer {
  let parts = prefixes.get(method)
  if (!parts) {
    const whole = encode([0, 8, method, [data === undefined ? { EventId: 0 } : { EventId: 0, Data: data }]])
    const at = whole.indexOf('EventId') + 7
    parts = { head: whole.subarray(0, at), tail: whole.subarray(at + 1) }
    prefixes.set(method, parts)
  }
  const id = reply.subarray(reply.lastIndexOf('EventId') + 7)
  return Buffer.concat([parts.head, id, parts.tail])
}

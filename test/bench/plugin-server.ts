import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PluginPeer } from '../support/plugin-socket.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Figure, Part } from './figure.ts'
import { type Cost, type Loaded, playTracing } from './plugin-load.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const CONNECTIONS = 16
const ROUNDS = 9
const ROUND_EVENTS = 20_000
const EVENTS = 1_000_000
const MEMORY_STEPS = 10
const WARM_EVENTS = 20_000
/** Measured 0.36 to 0.48 on a busy machine. */
const MAX_CPU_RATIO = 1 / 1.8

/** kongsul's plugin server beside kong-pdk's own, both with our tracing plugin. */
export const pluginServer: Part = {
  name: 'plugin-server',
  about: `the tracing exchange on ${CONNECTIONS} connections, beside kong-pdk's own server; then ${EVENTS} events`,
  async run(log) {
    const folder = mkdtempSync(join(tmpdir(), 'kb-'))
    const children: ChildProcess[] = []
    const end = () => {
      for (const child of children) child.kill()
      rmSync(folder, { recursive: true, force: true })
    }
    const onInterrupt = () => {
      end()
      process.exit(130)
    }
    // Sessions of their own hear nothing of Ctrl-C.
    process.once('SIGINT', onInterrupt)
    const start = (args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
      // Each in a session of its own, as a working process is: Linux divides a busy machine among sessions, and what
      // shares one with the load would have more of it.
      const env = { ...process.env, ...more }
      const child = spawn(process.execPath, args, { env, stdio: 'ignore', detached: true })
      children.push(child)
      return child.pid!
    }
    try {
      const bareFile = join(import.meta.dirname, 'bare-server.ts')
      const bare = (kind: string) => {
        const path = join(folder, `${kind}.sock`)
        return { path, pid: start(['--import', 'tsx', bareFile, path, kind]), instance: 0 }
      }
      const [streams, direct] = [bare('streams'), bare('direct')]
      const stockFile = join(ROOT, 'node_modules', 'kong-pdk', 'bin', 'kong-js-pluginserver')
      const stockArgs = ['--plugins-directory', join(ROOT, 'dist', 'plugins'), '-p', folder]
      start([stockFile, ...stockArgs, '--sock-name', 'stock.sock'], { TS_NODE_SKIP_PROJECT: 'true' })
      const ourArgs = ['--plugins-port', '0', '--port', 'feed=0', '--hang-ms', '5000']
      const supervisor = start(
        [join(ROOT, 'operator', 'cli', 'kongsul.mjs'), 'plugins', '--socket-dir', folder, ...ourArgs],
        {
          NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'gc-report.mjs')).href}`,
          GC_REPORT_DIR: folder,
        },
      )
      await waitFor(() => existsSync(streams.path) && existsSync(direct.path), { what: 'the bare servers' })
      const servers = [
        { name: 'bare, streams', server: streams },
        { name: 'bare, direct', server: direct },
        { name: 'kong-pdk', server: await serverAt(join(folder, 'stock.sock'), null) },
        { name: 'kongsul', server: await serverAt(join(folder, 'mesh-tracing.sock'), supervisor) },
      ] as const
      const costs: Cost[][] = servers.map(() => [])
      for (const { server } of servers) await playTracing(server, WARM_EVENTS, CONNECTIONS)
      // In turns, so that a machine that is busy for a while is so for all of them.
      for (let round = 0; round < ROUNDS; round++) {
        for (const [at, { server }] of servers.entries()) {
          costs[at]!.push(await playTracing(server, ROUND_EVENTS, CONNECTIONS))
        }
      }
      const middle = costs.map(middleOf)
      const [onStreams, onDirect, stock, ours] = middle as [Cost, Cost, Cost, Cost]
      for (const [at, { wallUs, cpuUs, loadCpuUs }] of middle.entries()) {
        const parts = [cpuUs, loadCpuUs].map((value) => value.toFixed(1))
        const rate = Math.round(1e6 / wallUs)
        log(`${servers[at]!.name}: ${rate} events/s, processor us: server ${parts[0]}, load ${parts[1]}`)
      }
      const { server } = servers[3]
      const begin = await memoryOf(server.pid, folder)
      let end = begin
      for (let step = 1; step <= MEMORY_STEPS; step++) {
        await playTracing(server, EVENTS / MEMORY_STEPS, CONNECTIONS)
        end = await memoryOf(server.pid, folder)
        log(
          `${(step * EVENTS) / MEMORY_STEPS} events: heap ${end.heap.toFixed(1)} MB, resident ${end.resident.toFixed(0)} MB`,
        )
      }
      const baseline = (cost: (of: Cost) => number) => ({ what: "kong-pdk's server", value: cost(stock) })
      const wall = ({ wallUs }: Cost) => wallUs
      const cpu = ({ cpuUs }: Cost) => cpuUs
      const figures: Figure[] = [
        {
          ...{ what: 'tracing exchange, time per event', value: ours.wallUs, unit: 'us' },
          ...{ baseline: baseline(wall), goal: stock.wallUs / 3 },
        },
        {
          ...{ what: 'processor time of the server per event', value: ours.cpuUs, unit: 'us' },
          ...{ baseline: baseline(cpu), maxRatio: MAX_CPU_RATIO },
        },
        ...[
          { what: "the same of a server on Node's streams that decodes nothing", of: onStreams },
          { what: 'the same of one on sockets as ours', of: onDirect },
        ].flatMap(({ what, of }): Figure[] => [
          { what: `${what}, time per event`, value: of.wallUs, unit: 'us', baseline: baseline(wall) },
          { what: `${what}, processor time`, value: of.cpuUs, unit: 'us', baseline: baseline(cpu) },
        ]),
        {
          what: `heap after collection, growth over ${EVENTS} events`,
          value: end.heap - begin.heap,
          unit: 'MB',
          goal: 1,
        },
        {
          ...{ what: `resident memory, growth over ${EVENTS} events`, value: end.resident - begin.resident },
          ...{ unit: 'MB', goal: 10 },
        },
      ]
      return figures
    } finally {
      process.off('SIGINT', onInterrupt)
      end()
    }
  },
}

/** Each cost for itself: the one in the middle. */
function middleOf(costs: readonly Cost[]): Cost {
  const middle = (cost: (of: Cost) => number) => costs.map(cost).sort((a, b) => a - b)[costs.length >> 1]!
  return {
    wallUs: middle(({ wallUs }) => wallUs),
    cpuUs: middle(({ cpuUs }) => cpuUs),
    loadCpuUs: middle(({ loadCpuUs }) => loadCpuUs),
  }
}

/** Waits for the server at `path`; `supervisor` answers itself until its worker is ready. */
async function serverAt(path: string, supervisor: number | null): Promise<Loaded> {
  await waitFor(() => existsSync(path), { what: path })
  const peer = new PluginPeer(path, 'mesh-tracing', 20_000)
  const pid = await waitFor(
    async () => {
      const { result } = await peer.call('GetStatus', null)
      return result.Pid === supervisor ? null : (result.Pid as number)
    },
    { what: 'a working process' },
  )
  const Config = JSON.stringify({ sampling_rate: 1, service_id: 's', route_id: 'r' })
  const { result } = await peer.call('StartInstance', { Name: 'mesh-tracing', Config })
  peer.close()
  return { path, pid, instance: result.Id }
}

/** Memory of `pid` after it has collected its garbage, in MB. */
async function memoryOf(
  pid: number,
  folder: string,
): Promise<{ readonly heap: number; readonly resident: number }> {
  const file = join(folder, `${pid}.json`)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  await waitFor(() => existsSync(file), { what: 'what memory is left' })
  const { heapUsed, rss } = JSON.parse(readFileSync(file, 'utf8')) as NodeJS.MemoryUsage
  return { heap: heapUsed / 2 ** 20, resident: rss / 2 ** 20 }
}

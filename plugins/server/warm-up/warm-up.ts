// A process that waits to take over has everything loaded, but none of it has ever run: its first requests would take
// milliseconds each, while Kong's connections pile up. So it serves made-up requests beforehand, over a socket of
// its own, with the code that serves Kong and with state that is thrown away.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLogger } from '../../../operator/telemetry/logger.ts'
import { Circuits } from '../../mesh-circuit-breaker/circuits.ts'
import { circuitBreakerPlugin } from '../../mesh-circuit-breaker/plugin.ts'
import { tracingPlugin } from '../../mesh-tracing/plugin.ts'
import { TraceBudget } from '../../mesh-tracing/trace-budget.ts'
import { createMeshHeaderCodec } from '../../outcomes/mesh-headers.ts'
import { createRandomSource } from '../../propagation/ids.ts'
import { describePlugin, type PluginModule } from '../form/plugin-module.ts'
import { directSocket } from '../process/direct-socket.ts'
import { BACKLOG } from '../process/plugin-socket.ts'
import { Connection } from '../rpc/connection.ts'
import { InstanceTable } from '../rpc/instance-table.ts'
import { PluginHost } from '../rpc/plugin-host.ts'
import { WriteBatch } from '../rpc/write-batch.ts'
import { playRequests } from './play-requests.ts'
import { warmOutcomes } from './warm-outcomes.ts'

/** Enough for V8 to have compiled what runs most; more takes longer than it brings. */
const REQUESTS = 100
const CONNECTIONS = 4
const PAUSE_MS = 2

/** @throws Error where it could not be done, for want of a place for sockets: a process that starts cold is slower, and no worse. */
export async function warmUp(handlerLimitMs: number): Promise<void> {
  const circuits = new Circuits({
    nowMs: () => performance.now(),
    wallNowMs: () => Date.now(),
    random: Math.random,
  })
  const tracing = tracingPlugin({
    random: createRandomSource(),
    meshHeaders: createMeshHeaderCodec('warm-up'),
    budget: new TraceBudget(REQUESTS),
    nowMs: () => performance.now(),
  })
  const modules: readonly Required<PluginModule>[] = [tracing, circuitBreakerPlugin(circuits)]
  const at = { loadedAt: 0, modifiedAt: 0 }
  const plugins = new Map(
    modules.map((module) => [module.Name, describePlugin(module, { ...at, fallbackName: module.Name })]),
  )
  const host = new PluginHost({
    plugins,
    instances: new InstanceTable(plugins, { firstId: 1 }),
    log: silentLogger,
    now: () => performance.now(),
    seconds: () => Date.now() / 1_000,
    handlerLimitMs,
  })
  let folder: string | undefined
  const servers: Server[] = []
  try {
    folder = mkdtempSync(join(tmpdir(), `kongsul-warm-${process.pid}-`))
    for (const plugin of plugins.keys()) {
      const path = join(folder, plugin)
      servers.push(await serve(host, plugin, path))
      await playRequests({ path, plugin, requests: REQUESTS, connections: CONNECTIONS, pauseMs: PAUSE_MS })
    }
    warmOutcomes(circuits, REQUESTS)
  } finally {
    for (const server of servers) server.close()
    host.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

async function serve(host: PluginHost, plugin: string, path: string): Promise<Server> {
  const { later } = new WriteBatch()
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    new Connection(directSocket(socket), host, { plugin, later })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ path, backlog: BACKLOG }, resolve)
  })
  return server
}

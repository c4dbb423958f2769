// The parent: listens on the sockets, keeps a working process and a waiting one, knows every instance that Kong has
// started. It reads nothing of what Kong sends unless there is no working process: then it stands in.
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Logger } from '../../../operator/telemetry/logger.ts'
import { loadPlugins } from '../form/load-plugin.ts'
import { createSupervisorMetrics } from '../metrics/supervisor-metrics.ts'
import { type InstanceRecord, InstanceTable } from '../rpc/instance-table.ts'
import { writeDump } from './dump-file.ts'
import { HeldConnections } from './held-connections.ts'
import type { ToSupervisor } from './messages.ts'
import { startMetricsServer } from './metrics-server.ts'
import { listenOnFile, prepareSocketFolder, type SocketFile } from './socket-file.ts'
import { inertPlugin, StandIn } from './stand-in.ts'
import { WorkerMetricsReader } from './worker-metrics-reader.ts'
import { WorkerPair } from './worker-pair.ts'
import type { WorkerProcess } from './worker-process.ts'

export interface SupervisorOptions {
  readonly socketDir: string
  /** Plugin files besides our own. */
  readonly pluginFiles: readonly string[]
  /** Arguments of Node that start a worker. */
  readonly workerArgs: readonly string[]
  readonly metrics: { readonly host: string; readonly port: number }
  /** After how long without a sign of life a worker is replaced, ms. Below Kong's read timeout of sockets. */
  readonly hangMs: number
  /** How long a connection waits for a worker before the supervisor answers it itself, ms. Default 150. */
  readonly standInAfterMs?: number
  readonly log: Logger
}

export interface Supervisor {
  readonly sockets: readonly { readonly plugin: string; readonly path: string; readonly dump: string }[]
  readonly metricsPort: number
  workerPids(): { readonly working: number | null; readonly waiting: number | null }
  stop(): Promise<void>
}

/** Ids that a dead worker may have given out without our knowing. */
const SKIPPED_IDS = 256
const STOP_LIMIT_MS = 3_000
const LOOK_MS = 25

/**
 * Starts everything; the sockets listen before the first worker is ready.
 * @throws SocketFileError, or Error when a plugin cannot be loaded or a port is taken; nothing is left behind then.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { socketDir, log, standInAfterMs = 150 } = options
  const now = () => performance.now()
  const loaded = await loadPlugins(options.pluginFiles)
  const inert = new Map([...loaded].map(([name, plugin]) => [name, inertPlugin(plugin)]))
  const announce = (tell: (worker: WorkerProcess) => void, except?: WorkerProcess) => {
    for (const worker of [workers.working, workers.waiting]) {
      if (worker?.isReady && worker !== except) tell(worker)
    }
  }
  const instances = new InstanceTable(inert, {
    // Kong still knows ids from before a restart of ours.
    firstId: Math.floor(Date.now() / 1_000),
    observer: {
      started: (record) => announce((worker) => worker.send({ type: 'started', record })),
      closed: (id) => announce((worker) => worker.send({ type: 'closed', id })),
    },
  })
  const standIn = new StandIn(inert, instances, log)
  const held = new HeldConnections()
  const metricsReader = new WorkerMetricsReader()

  const handOver = () => {
    if (workers.working === null) return
    for (const { number, plugin, socket, since } of held.toSend()) {
      const sinceMs = Date.now() - (now() - since)
      workers.working.send({ type: 'connection', number, plugin, sinceMs }, socket)
    }
  }
  const onMessage = (worker: WorkerProcess, message: ToSupervisor) => {
    if (message.type === 'taken') {
      held.taken(message.number)
      handOver()
    } else if (message.type === 'started') share(worker, message.record)
    else if (message.type === 'closed') {
      instances.forget(message.id)
      announce((other) => other.send(message), worker)
    } else if (message.type === 'metrics') metricsReader.receive(message.number, message.text)
  }
  const share = (from: WorkerProcess, record: InstanceRecord) => {
    instances.restore([record], now())
    announce((other) => other.send({ type: 'started', record }), from)
  }
  const workers = new WorkerPair({
    args: options.workerArgs,
    hangMs: options.hangMs,
    now,
    log,
    onReady: (worker) =>
      worker.send({ type: 'restore', records: instances.records(), nextId: instances.nextId }),
    onWork: (worker) => {
      instances.skipTo(instances.nextId + SKIPPED_IDS)
      worker.send({ type: 'work', nextId: instances.nextId })
      held.sendAgain()
      handOver()
      standIn.retire()
    },
    onMessage,
  })
  const look = setInterval(() => {
    // Also while there is one: under load a burst of connections is handed over more slowly than Kong waits, and each
    // call that it gives up makes it open another.
    if (workers.working === null) held.sendAgain()
    else if (held.size === 0) standIn.retire()
    for (const { socket, plugin } of held.releaseOlder(now() - standInAfterMs)) standIn.serve(socket, plugin)
  }, LOOK_MS)

  const metrics = createSupervisorMetrics({ workers, held, standIn })
  const sockets: { plugin: string; dump: string; file: SocketFile }[] = []
  const close = () => {
    clearInterval(look)
    for (const { file } of sockets) file.close()
    held.destroy()
    standIn.stop()
  }
  try {
    const mode = prepareSocketFolder(socketDir)
    for (const [plugin, { info }] of loaded) {
      const dump = writeDump(socketDir, info)
      const onConnection = (socket: Socket) => {
        held.hold(socket, plugin, now())
        handOver()
      }
      const file = await listenOnFile(join(socketDir, `${plugin}.sock`), { mode, onConnection })
      sockets.push({ plugin, dump, file })
    }
    const server = await startMetricsServer({
      ...options.metrics,
      readMetrics: async () =>
        `${await metrics.registry.metrics()}${await metricsReader.read(workers.working)}`,
      readHealth: () => ({
        isHealthy: workers.working !== null,
        working: workers.working?.pid ?? null,
        waiting: workers.waiting?.isReady ? workers.waiting.pid : null,
        restarts: workers.restarts,
      }),
    })
    workers.start()
    return {
      sockets: sockets.map(({ plugin, dump, file: { path } }) => ({ plugin, path, dump })),
      metricsPort: server.port,
      workerPids: () => ({
        working: workers.working?.pid ?? null,
        waiting: workers.waiting?.isReady ? workers.waiting.pid : null,
      }),
      async stop() {
        close()
        await workers.stop(STOP_LIMIT_MS)
        await server.close()
      },
    }
  } catch (error) {
    close()
    throw error
  }
}

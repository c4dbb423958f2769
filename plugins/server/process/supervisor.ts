// The parent: has the sockets open, keeps a working process and a waiting one, knows every instance that Kong has
// started. It reads nothing of what Kong sends unless there is no working process: then it stands in.
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Logger } from '../../../operator/telemetry/logger.ts'
import { loadPlugins } from '../form/load-plugin.ts'
import { createSupervisorMetrics } from '../metrics/supervisor-metrics.ts'
import { type InstanceRecord, InstanceTable } from '../rpc/instance-table.ts'
import { writeDump } from './dump-file.ts'
import { type FeedSocket, openFeedSocket } from './feed-socket.ts'
import { FileReserve } from './file-reserve.ts'
import type { ToSupervisor } from './messages.ts'
import { startMetricsServer } from './metrics-server.ts'
import { openPluginSocket, type PluginSocket, prepareSocketFolder } from './plugin-socket.ts'
import { inertPlugin, StandIn } from './stand-in.ts'
import { WorkerMetricsReader } from './worker-metrics-reader.ts'
import { WorkerPair } from './worker-pair.ts'
import { FIRST_INHERITED, type WorkerProcess } from './worker-process.ts'
import { WORKER_SETUP, type WorkerSetup, workerSetupText } from './worker-setup.ts'

export interface SupervisorOptions {
  readonly socketDir: string
  /** Plugin files besides our own. */
  readonly pluginFiles: readonly string[]
  /** Arguments of Node that start a worker. */
  readonly workerArgs: readonly string[]
  readonly workerSetup: WorkerSetup
  readonly metrics: { readonly host: string; readonly port: number }
  /** After how long without a sign of life a worker is replaced, ms. Below Kong's read timeout of sockets. */
  readonly hangMs: number
  readonly log: Logger
}

export interface Supervisor {
  readonly sockets: readonly { readonly plugin: string; readonly path: string; readonly dump: string }[]
  readonly metricsPort: number
  /** UDP, where Kong's access log comes in. */
  readonly feedPort: number
  workerPids(): { readonly working: number | null; readonly waiting: number | null }
  stop(): Promise<void>
}

/** Ids that a dead worker may have given out without our knowing. */
const SKIPPED_IDS = 256
const STOP_LIMIT_MS = 3_000
/** Pipes of a process that starts, and some. */
const FILES_OF_A_START = 12
const LOOK_MS = 50

/**
 * Starts everything; the sockets listen before the first worker is ready.
 * @throws SocketFileError, FeedSocketError, or Error when a plugin cannot be loaded or a port is taken; nothing is left behind then.
 */
export async function startSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  const { socketDir, log } = options
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
  const files = new FileReserve({
    onTight: () => log.warn('the parent of the plugin processes can open no more files (ulimit -n)'),
    makeRoom: (missing) => standIn.endIdle(missing),
  })
  const metricsReader = new WorkerMetricsReader()

  const sockets: { readonly plugin: string; readonly dump: string; readonly socket: PluginSocket }[] = []
  let feed: FeedSocket | null = null
  const pointTo = (who: 'workers' | 'stand-in') => {
    for (const { socket } of sockets) socket.pointTo(who)
  }
  const onMessage = (worker: WorkerProcess, message: ToSupervisor) => {
    if (message.type === 'listening') {
      pointTo('workers')
      standIn.retire()
    } else if (message.type === 'started') share(worker, message.record)
    else if (message.type === 'closed') {
      instances.forget(message.id, now())
      announce((other) => other.send(message), worker)
    } else if (message.type === 'metrics') metricsReader.receive(message.number, message.text)
  }
  const share = (from: WorkerProcess, record: InstanceRecord) => {
    instances.restore([record], now())
    announce((other) => other.send({ type: 'started', record }), from)
  }
  const workers = new WorkerPair({
    args: options.workerArgs,
    env: { ...process.env, [WORKER_SETUP]: workerSetupText(options.workerSetup) },
    fds: () => {
      files.look(FILES_OF_A_START)
      return [...sockets.map(({ socket }) => socket.fd), feed!.fd]
    },
    hangMs: options.hangMs,
    now,
    log,
    onReady: (worker) =>
      worker.send({ type: 'restore', records: instances.records(), nextId: instances.nextId }),
    onWork: (worker, heardAt) => {
      instances.skipTo(instances.nextId + SKIPPED_IDS)
      worker.send({
        type: 'work',
        nextId: instances.nextId,
        quietMs: heardAt === null ? 0 : now() - heardAt,
        sockets: sockets.map(({ plugin }, at) => ({ plugin, fd: FIRST_INHERITED + at })),
        feedFd: FIRST_INHERITED + sockets.length,
      })
    },
    onNobody: () => pointTo('stand-in'),
    onMessage,
  })

  const looking = setInterval(() => files.look(), LOOK_MS)
  const metrics = createSupervisorMetrics({ workers, standIn, files })
  const close = () => {
    for (const { socket } of sockets) socket.close()
    feed?.close()
    standIn.stop()
    clearInterval(looking)
    files.close()
  }
  try {
    const mode = prepareSocketFolder(socketDir)
    for (const [plugin, { info }] of loaded) {
      const dump = writeDump(socketDir, info)
      const onConnection = (socket: Socket) => {
        standIn.serve(socket, plugin)
        files.look()
      }
      const socket = await openPluginSocket(join(socketDir, `${plugin}.sock`), { mode, onConnection })
      sockets.push({ plugin, dump, socket })
    }
    const { host, port } = options.workerSetup.agent.feed
    feed = await openFeedSocket(host, port)
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
      sockets: sockets.map(({ plugin, dump, socket: { path } }) => ({ plugin, path, dump })),
      metricsPort: server.port,
      feedPort: feed.port,
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

// The working process: answers Kong on the sockets that the supervisor has given it.

import { randomInt } from 'node:crypto'
import type { Server, Socket } from 'node:net'
// The global of that name is looked up by a function at each use.
import { performance } from 'node:perf_hooks'
import type { Logger } from '../../../operator/telemetry/logger.ts'
import { Agent } from '../../agent/agent.ts'
import { circuits } from '../../mesh-circuit-breaker/plugin.ts'
import { observer } from '../../mesh-observer/plugin.ts'
import { traceBudget } from '../../mesh-tracing/plugin.ts'
import { registerTracingMetrics } from '../../mesh-tracing/tracing-metrics.ts'
import { loadPlugins } from '../form/load-plugin.ts'
import { createWorkerMetrics, registerFileMetrics } from '../metrics/worker-metrics.ts'
import { Connection } from '../rpc/connection.ts'
import { InstanceTable } from '../rpc/instance-table.ts'
import { PluginHost } from '../rpc/plugin-host.ts'
import { WriteBatch } from '../rpc/write-batch.ts'
import { warmUp } from '../warm-up/warm-up.ts'
import { directSocket } from './direct-socket.ts'
import { endLongestIdle } from './end-idle.ts'
import { FileReserve } from './file-reserve.ts'
import { listenOnInherited } from './inherited-socket.ts'
import { LoopClock } from './loop-clock.ts'
import type { ToSupervisor, ToWorker } from './messages.ts'
import type { WorkerSetup } from './worker-setup.ts'

export interface WorkerConfig extends Omit<WorkerSetup, 'logLevel'> {
  /** Another process works: this one gets ready to take over. */
  readonly isSpare: boolean
  readonly log: Logger
}

type WorkMessage = Extract<ToWorker, { readonly type: 'work' }>

const BEAT_MS = 50
const SWEEP_MS = 1_000
const DRAIN_MS = 2_000
/** How often an idle process looks at the clock. */
const LOOK_MS = 10
/** Beyond the longest that a handler may take, an answer comes within so much where nobody is held up. */
const PROMPT_MS = 50

/** Runs a worker until its supervisor stops it or is gone. @throws Error when a plugin cannot be loaded. */
export async function runWorker(config: WorkerConfig): Promise<void> {
  const { pluginFiles, handlerLimitMs, hangMs, isSpare, log } = config
  const tell = (message: ToSupervisor) => {
    if (process.connected) process.send!(message)
  }
  const now = () => performance.now()
  const plugins = await loadPlugins(pluginFiles)
  const instances = new InstanceTable(plugins, {
    firstId: 0,
    observer: {
      started: (record) => tell({ type: 'started', record }),
      closed: (id) => tell({ type: 'closed', id }),
    },
  })
  const host = new PluginHost({
    plugins,
    instances,
    log,
    now,
    seconds: () => Date.now() / 1_000,
    handlerLimitMs,
    // A step for an event of the process before must not meet one of ours.
    firstEventId: randomInt(2 ** 32),
  })
  const metrics = createWorkerMetrics(host)
  registerTracingMetrics(metrics.registry, traceBudget)
  const agent = new Agent({
    ...{ config: config.agent, circuits, observer, log },
    registry: metrics.registry,
    calls: () => host.calls,
  })
  const connections = new Set<Connection>()
  const files = new FileReserve({
    onTight: () => log.warn('no more files can be opened (ulimit -n): idle connections of Kong are closed'),
    makeRoom: (missing) => endLongestIdle(connections, missing, now()),
  })
  registerFileMetrics(metrics.registry, files)
  const { later } = new WriteBatch()
  const servers: Server[] = []
  const clock = new LoopClock(now())
  // Long before Kong's read timeout: a busy nginx counts it from the beginning of its turn, and not from when it sent.
  const lateMs = Math.max(handlerLimitMs + PROMPT_MS, hangMs / 4)

  /** @param sinceMs since when what is on it may have waited, by our clock */
  const serve = (socket: Socket, plugin: string, sinceMs: number) => {
    let isFirst = true
    const connection: Connection = new Connection(directSocket(socket), host, {
      plugin,
      later,
      lateAfterMs: lateMs,
      startLateAfterMs: hangMs,
      waitedMs: (at) => {
        const lookedMs = at - clock.enter(at)
        const waitedMs = isFirst ? Math.max(lookedMs, at - sinceMs) : lookedMs
        isFirst = false
        return waitedMs
      },
      onClose: () => connections.delete(connection),
    })
    connections.add(connection)
    files.look()
  }

  const work = async ({ nextId, quietMs, sockets, feedFd }: WorkMessage) => {
    instances.skipTo(nextId)
    const dropsWaiting = quietMs > hangMs
    const quietSince = now() - quietMs
    // What has waited for somebody to accept it comes all in the first turn of the loop.
    let isBacklog = !dropsWaiting
    for (const { plugin, fd } of sockets) {
      const onConnection = (socket: Socket) => {
        const at = now()
        serve(socket, plugin, isBacklog ? quietSince : at)
      }
      servers.push(await listenOnInherited(fd, { onConnection, dropsWaiting }))
    }
    tell({ type: 'listening' })
    setImmediate(() =>
      setImmediate(() => {
        isBacklog = false
        // Requests wait; what became of those before can wait as long.
        void agent.work(feedFd)
      }),
    )
  }

  const stop = () => {
    for (const server of servers) server.close()
    for (const connection of connections) connection.endWhenIdle()
    const flushed = agent.stop()
    setTimeout(() => process.exit(0), DRAIN_MS).unref()
    const check = setInterval(() => {
      if (connections.size > 0) return
      clearInterval(check)
      void flushed.then(() => process.exit(0))
    }, 5)
  }

  process.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'restore':
        instances.restore(message.records, now())
        return instances.skipTo(message.nextId)
      case 'started':
        return instances.restore([message.record], now())
      case 'closed':
        return void instances.forget(message.id, now())
      case 'work':
        return void work(message)
      case 'metrics':
        return void metrics.registry
          .metrics()
          .then((text) => tell({ type: 'metrics', number: message.number, text }))
      case 'stop':
        return stop()
    }
  })
  process.once('disconnect', () => process.exit(0))
  // Of plugins that do not await what they start. The request has been answered by then.
  process.on('unhandledRejection', (reason) => {
    log.error('a plugin left a promise that failed', { error: String((reason as Error)?.stack ?? reason) })
  })
  setInterval(() => clock.enter(now()), LOOK_MS)
  setInterval(() => {
    files.look()
    tell({ type: 'beat' })
  }, BEAT_MS)
  setInterval(() => host.sweep(), SWEEP_MS)
  if (isSpare) {
    await warmUp(handlerLimitMs).catch((error) =>
      log.warn('not warmed up', { error: (error as Error).message }),
    )
  }
  tell({ type: 'ready' })
}

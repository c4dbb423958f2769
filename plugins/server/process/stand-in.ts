import type { Socket } from 'node:net'
import type { Logger } from '../../../operator/telemetry/logger.ts'
import { definePlugin, type Handlers } from '../form/define-plugin.ts'
import type { LoadedPlugin } from '../form/plugin-module.ts'
import { Connection } from '../rpc/connection.ts'
import type { InstanceTable } from '../rpc/instance-table.ts'
import { PluginHost } from '../rpc/plugin-host.ts'
import { endLongestIdle } from './end-idle.ts'

/** The plugin with handlers that let everything pass. */
export function inertPlugin(plugin: LoadedPlugin): LoadedPlugin {
  const handlers: Handlers<null> = Object.fromEntries(plugin.info.Phases.map((phase) => [phase, () => {}]))
  const { Name, Version = '', Priority } = plugin.info
  const module = definePlugin<null>({
    name: Name,
    version: Version,
    priority: Priority,
    schema: [],
    configure: () => null,
    handlers,
  })
  return { ...plugin, module }
}

/**
 * Answers Kong while there is no working process: instances can be started, which must never fail, since Kong answers
 * 500 then, and every request goes on. `instances` has inert plugins.
 */
export class StandIn {
  readonly #host: PluginHost
  readonly #connections = new Set<Connection>()
  #served = 0

  constructor(plugins: ReadonlyMap<string, LoadedPlugin>, instances: InstanceTable, log: Logger) {
    const now = () => performance.now()
    this.#host = new PluginHost({ plugins, instances, log, now, seconds: () => Date.now() / 1_000 })
  }

  /** Connections that were served, ever. */
  get served(): number {
    return this.#served
  }

  serve(socket: Socket, plugin: string): void {
    const connection: Connection = new Connection(socket, this.#host, {
      plugin,
      onClose: () => this.#connections.delete(connection),
    })
    this.#connections.add(connection)
    this.#served++
  }

  /** Closes so many connections at the most that Kong does not use just now. */
  endIdle(most: number): void {
    endLongestIdle(this.#connections, most, performance.now())
  }

  /** A working process is there: each connection is answered once more and ended, so that Kong comes anew. */
  retire(): void {
    for (const connection of this.#connections) connection.retire()
  }

  stop(): void {
    for (const connection of this.#connections) connection.destroy()
    this.#host.stop()
  }
}

/**
 * A plugin that runs in a plugin server, as the data plane sees it. What fails is what fails in Kong: a server that
 * says nothing costs the request nothing but time, while an instance that cannot be started, or a PDK call that may
 * not be made, is a 500. Source: kong/runloop/plugin_servers/rpc/mp_rpc.lua.
 */
import type { EnabledPlugin } from '../plugin-definitions.ts'
import {
  type AccessResult,
  type Configured,
  type Exit,
  type Plugin,
  refuse,
} from '../plugins-runtime/plugin.ts'
import type { RequestContext } from '../proxy/request-context.ts'
import type { PluginServerSetting } from '../settings.ts'
import { PdkError, type PdkWorld, type Phase } from './pdk/method.ts'
import { runEvent } from './plugin-event.ts'
import { InstanceNotStarted, PluginInstances } from './plugin-instances.ts'
import { ProtocolViolation, RpcConnections } from './rpc-connections.ts'

/** What ends the handler in Kong, and the request with it. */
const FATAL = [InstanceNotStarted, PdkError, ProtocolViolation]

/** Kong starts over without end when a server forgets its instances at once; nobody needs more than this. */
const MAX_RESTARTS = 20

export class ExternalPlugin implements Plugin {
  readonly name: string
  readonly priority: number
  readonly access?: (context: RequestContext, configured: Configured<never>) => AccessResult
  readonly log?: (context: RequestContext, configured: Configured<never>) => void
  readonly #connections: RpcConnections
  readonly #instances: PluginInstances
  readonly #world: PdkWorld

  constructor(plugin: EnabledPlugin, server: PluginServerSetting, readTimeoutMs: number, world: PdkWorld) {
    this.name = plugin.name
    this.priority = plugin.priority
    this.#connections = new RpcConnections(server.socket, readTimeoutMs)
    this.#instances = new PluginInstances(plugin.name, this.#connections)
    this.#world = world
    if (plugin.phases.includes('access')) {
      this.access = (context, configured) => this.#access(context, configured)
    }
    if (plugin.phases.includes('log')) {
      this.log = (context, configured) => {
        this.#handle('log', context, configured).catch((error) => this.#report('log', error))
      }
    }
  }

  close(): void {
    this.#connections.close()
  }

  async #access(context: RequestContext, configured: Configured<never>): Promise<Exit | undefined> {
    try {
      return await this.#handle('access', context, configured)
    } catch (error) {
      if (!FATAL.some((kind) => error instanceof kind)) throw error
      this.#report('access', error as Error)
      context.hasFailedPlugin = true
      return refuse(500, 'An unexpected error occurred')
    }
  }

  async #handle(
    phase: Phase,
    context: RequestContext,
    configured: Configured<never>,
  ): Promise<Exit | undefined> {
    for (let attempt = 0; attempt < MAX_RESTARTS; attempt++) {
      const instanceId = await this.#instances.idFor(configured)
      if (instanceId === undefined) {
        this.#report(phase, new Error(`could not claim an instance for ${configured.id}`))
        return undefined
      }
      const result = await runEvent(this.#connections, this.#world, { instanceId, phase, context })
      if (result.kind === 'done') return result.exit
      if (!result.error.toLowerCase().includes('no plugin instance')) {
        this.#report(phase, new Error(result.error))
        return undefined
      }
      this.#world.log.warn('plugin server knows the instance no longer', { plugin: this.name, instanceId })
      this.#instances.reset()
    }
    return undefined
  }

  #report(phase: Phase, error: Error): void {
    this.#world.log.error('plugin failed', { plugin: this.name, phase, error: error.message })
  }
}

/**
 * The instances of one plugin at its server, one for each plugin entity. Kong numbers all configurations anew whenever
 * a plugin changes anywhere (`__seq__`), and with another number a new instance is started on the next request, then
 * the old one closed. A deleted plugin's instance is not closed. Source: kong/runloop/plugin_servers/plugin.lua.
 */
import type { Configured } from '../plugins-runtime/plugin.ts'
import { instanceConfiguration } from './instance-configuration.ts'
import type { RpcConnections } from './rpc-connections.ts'

/** An instance could not be started; Kong answers the request with 500. */
export class InstanceNotStarted extends Error {}

interface Running {
  /** Null while it is being started. */
  id: number | null
  seq: number
  settled: Promise<void>
}

/** How long a request waits for another one that is starting the instance. Kong: 100 steps of 0.1 s. */
const CLAIM_MS = 10_000

export class PluginInstances {
  readonly #pluginName: string
  readonly #connections: RpcConnections
  #running = new Map<string, Running>()

  constructor(pluginName: string, connections: RpcConnections) {
    this.#pluginName = pluginName
    this.#connections = connections
  }

  /** Forgets all of them: the server has restarted. */
  reset(): void {
    this.#running = new Map()
  }

  /**
   * The id of the running instance; starts one when there is none of this configuration. Undefined when another
   * request has been starting it for ten seconds. Rejects with InstanceNotStarted.
   */
  async idFor(configured: Configured<unknown>): Promise<number | undefined> {
    const key = configured.id
    const deadlineMs = performance.now() + CLAIM_MS
    let running = this.#running.get(key)
    while (running && running.id === null) {
      await within(running.settled, deadlineMs - performance.now())
      if (performance.now() >= deadlineMs) {
        this.#running.delete(key)
        return undefined
      }
      running = this.#running.get(key)
    }
    if (running && running.seq === configured.seq) return running.id!
    return this.#start(configured, running ?? null)
  }

  async #start(configured: Configured<unknown>, old: Running | null): Promise<number> {
    let settle = (): void => {}
    const oldId = old?.id ?? null
    const claim: Running = old ?? { id: null, seq: 0, settled: Promise.resolve() }
    claim.id = null
    claim.seq = configured.seq
    claim.settled = new Promise((resolve) => {
      settle = resolve
    })
    this.#running.set(configured.id, claim)
    try {
      claim.id = await this.#startInstance(configured)
      if (oldId !== null) await this.#connections.call('plugin.CloseInstance', [oldId])
      return claim.id
    } catch (error) {
      // Without the claim some other request may have more luck.
      if (this.#running.get(configured.id) === claim) this.#running.delete(configured.id)
      throw error
    } finally {
      settle()
    }
  }

  async #startInstance(configured: Configured<unknown>): Promise<number> {
    const start = { Name: this.#pluginName, Config: instanceConfiguration(this.#pluginName, configured) }
    const reply = await this.#connections.call('plugin.StartInstance', [start])
    if (reply.kind !== 'result') throw new InstanceNotStarted(`starting instance: ${reply.error}`)
    const { result } = reply
    const id = typeof result === 'object' && result !== null && !Array.isArray(result) ? result['Id'] : null
    if (typeof id !== 'number') throw new InstanceNotStarted('starting instance: the answer has no Id')
    return id
  }
}

async function within(settled: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs)
  })
  await Promise.race([settled, timeout])
  clearTimeout(timer)
}

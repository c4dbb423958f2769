import ConsulClient from 'consul'
import { connectionAgent } from '../consul/connection-agent.ts'
import { consulError } from '../consul/consul-error.ts'
import { withToken } from '../consul/with-token.ts'
import type { ConsulConfig } from '../sync/operator-config.ts'

/** What the agent says about itself, as far as we look at it. */
export interface AgentSelf {
  readonly version: string
  readonly node: string
  readonly datacenter: string
  readonly isServer: boolean
}

export interface AgentService {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly port: number
}

/** A registration in Consul's own words (https://developer.hashicorp.com/consul/api-docs/agent/service). */
export interface Registration {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly port: number
  readonly meta?: Readonly<Record<string, string>>
  readonly check: Readonly<Record<string, string>>
}

/** What the command line asks of one Consul agent. Every call answers or throws ConsulError within 10 s. */
export interface AgentApi {
  self(): Promise<AgentSelf>
  /** `host:port` of the leader, '' while there is none. */
  leader(): Promise<string>
  /** Services registered at this agent. */
  services(): Promise<readonly AgentService[]>
  /** Names of all services in the catalog. */
  serviceNames(): Promise<readonly string[]>
  register(registration: Registration): Promise<void>
  deregister(id: string): Promise<void>
  maintenance(id: string, enable: boolean, reason: string): Promise<void>
  /** Raw text of a key, undefined when there is none. */
  readKey(key: string): Promise<string | undefined>
  writeKey(key: string, text: string): Promise<void>
  deleteKey(key: string): Promise<void>
  close(): void
}

const TIMEOUT_MS = 10_000

/** Client of the agent at `config.url`, through the `consul` package. */
export function agentApi(config: ConsulConfig): AgentApi {
  const agent = connectionAgent(config.url, config.tls)
  const options = { baseUrl: `${config.url}/v1`, agent, defaults: { timeout: TIMEOUT_MS } }
  const client = new ConsulClient(options as unknown as ConstructorParameters<typeof ConsulClient>[0])
  const consul = withToken<typeof client>(client, config.token)
  const call = async <T>(endpoint: string, run: () => Promise<unknown>): Promise<T> => {
    try {
      return (await run()) as T
    } catch (error) {
      throw consulError(`${endpoint} at ${config.url}`, error)
    }
  }
  return {
    self: async () => selfOf(await call('agent.self', () => consul.agent.self())),
    leader: async () => (await call<string>('status.leader', () => consul.status.leader())) || '',
    services: async () => {
      const rows = await call<Record<string, RawAgentService>>('agent.service.list', () =>
        consul.agent.service.list(),
      )
      return Object.values(rows).map(({ ID, Service, Address, Port }) => ({
        id: ID,
        name: Service,
        address: Address,
        port: Port,
      }))
    },
    serviceNames: async () =>
      Object.keys(await call<object>('catalog.services', () => consul.catalog.services())),
    register: (registration) =>
      call('agent.service.register', () =>
        consul.agent.service.register(
          registration as unknown as Parameters<typeof consul.agent.service.register>[0],
        ),
      ),
    deregister: (id) => call('agent.service.deregister', () => consul.agent.service.deregister(id)),
    maintenance: (id, enable, reason) =>
      call('agent.service.maintenance', () => consul.agent.service.maintenance({ id, enable, reason })),
    readKey: async (key) => {
      const row = await call<{ Value?: string | null } | undefined>('kv.get', () => consul.kv.get(key))
      return row?.Value ?? undefined
    },
    writeKey: (key, text) => call('kv.set', () => consul.kv.set(key, text)),
    deleteKey: (key) => call('kv.del', () => consul.kv.del(key)),
    close: () => agent.destroy(),
  }
}

interface RawAgentService {
  readonly ID: string
  readonly Service: string
  readonly Address: string
  readonly Port: number
}

interface RawSelf {
  readonly Config: {
    readonly Version: string
    readonly NodeName: string
    readonly Datacenter: string
    readonly Server: boolean
  }
}

function selfOf({ Config }: RawSelf): AgentSelf {
  return {
    version: Config.Version,
    node: Config.NodeName,
    datacenter: Config.Datacenter,
    isServer: Config.Server,
  }
}

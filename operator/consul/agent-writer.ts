import type http from 'node:http'
import ConsulClient from 'consul'
import type { AgentRegistration } from '../api/registration.ts'
import type { ConsulConfig } from '../sync/operator-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { connectionAgent } from './connection-agent.ts'
import { ConsulError, consulError } from './consul-error.ts'
import { withToken } from './with-token.ts'

export type TtlStatus = 'passing' | 'warning' | 'critical'

/** Writes to Consul's agents, each at its own address. Every call answers within 5 s or throws ConsulError. */
export interface AgentWriter {
  /** Name of the agent's node. */
  nodeName(url: string): Promise<string>
  hasService(url: string, id: string): Promise<boolean>
  register(url: string, registration: AgentRegistration): Promise<void>
  /** @returns false when the agent does not have it */
  deregister(url: string, id: string): Promise<boolean>
  /** @returns false when the agent has no such TTL check */
  updateTtl(url: string, checkId: string, status: TtlStatus, note: string): Promise<boolean>
  close(): void
}

const TIMEOUT_MS = 5_000
/** Agents that connections are kept to; more than that are asked in turns. */
const MOST_AGENTS = 100

export function createAgentWriter(config: ConsulConfig, metrics: Metrics): AgentWriter {
  const agents = new Map<string, http.Agent>()

  const agentFor = (url: string): http.Agent => {
    const known = agents.get(url)
    if (known !== undefined) return known
    const [oldest] = agents.size >= MOST_AGENTS ? agents.keys() : []
    if (oldest !== undefined) {
      agents.get(oldest)!.destroy()
      agents.delete(oldest)
    }
    const agent = connectionAgent(url, config.tls)
    agents.set(url, agent)
    return agent
  }
  const call = async (url: string, name: string, method: 'GET' | 'PUT', path: string, body?: unknown) => {
    const options = { baseUrl: `${url.replace(/\/+$/, '')}/v1`, agent: agentFor(url) }
    const client = withToken<Papi>(
      new ConsulClient(options as unknown as ConstructorParameters<typeof ConsulClient>[0]),
      config.token,
    )
    metrics.consulRequests.inc({ endpoint: name })
    try {
      const send = method === 'GET' ? client._get : client._put
      const answer = await send.call(client, {
        name,
        path,
        timeout: TIMEOUT_MS,
        ...(body === undefined ? {} : { type: 'json', body }),
      })
      return answer.body
    } catch (error) {
      const failure = consulError(`${name} at ${url}`, error)
      if (!isUnknown(failure)) metrics.consulErrors.inc({ endpoint: name })
      throw failure
    }
  }
  /** true when done, false when the agent does not know what was named. */
  const unlessUnknown = async (work: Promise<unknown>): Promise<boolean> => {
    try {
      await work
      return true
    } catch (error) {
      if (error instanceof ConsulError && isUnknown(error)) return false
      throw error
    }
  }
  return {
    nodeName: async (url) => {
      const self = (await call(url, 'agent.self', 'GET', '/agent/self')) as { Config: { NodeName: string } }
      return self.Config.NodeName
    },
    hasService: (url, id) =>
      unlessUnknown(call(url, 'agent.service.get', 'GET', `/agent/service/${encodeURIComponent(id)}`)),
    register: async (url, registration) =>
      void (await call(url, 'agent.service.register', 'PUT', '/agent/service/register', registration)),
    deregister: (url, id) => {
      const path = `/agent/service/deregister/${encodeURIComponent(id)}`
      return unlessUnknown(call(url, 'agent.service.deregister', 'PUT', path))
    },
    updateTtl: (url, checkId, status, note) => {
      const path = `/agent/check/update/${encodeURIComponent(checkId)}`
      return unlessUnknown(call(url, 'agent.check.update', 'PUT', path, { Status: status, Output: note }))
    },
    close: () => {
      for (const agent of agents.values()) agent.destroy()
    },
  }
}

/** Consul 1.8 answers 500 with words where later versions answer 404. */
const isUnknown = ({ status, message }: ConsulError): boolean =>
  status === 404 ||
  (status !== null && /unknown (?:service|check)|does not have associated TTL/i.test(message))

/** The part of the package that sends what its own methods leave out: weights, updates of checks. */
interface Papi {
  _get(request: object): Promise<{ readonly body?: unknown }>
  _put(request: object): Promise<{ readonly body?: unknown }>
}

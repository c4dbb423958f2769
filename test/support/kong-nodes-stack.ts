// Real Consul, several dev gateways as processes and the operator in the test's own process: DB-less nodes, or nodes
// of one cluster. Also runs on other Kongs: their Admin URLs are all it needs.
import { type Operator, startOperator } from '../../operator/sync/operator.ts'
import type { OperatorConfig } from '../../operator/sync/operator-config.ts'
import { silentLogger } from '../../operator/telemetry/logger.ts'
import { startConsul, type TestConsul } from './consul.ts'
import { freePorts } from './free-port.ts'
import { type GatewayNode, startGatewayNode } from './gateway-node.ts'
import { operatorConfig } from './operator-config.ts'
import type { KongRow } from './operator-stack.ts'
import { waitFor } from './wait-for.ts'

export interface TestNode {
  readonly adminUrl: string
  readonly proxyUrl: string
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; body: KongRow }>
  /** Targets of a service as { 'host:port': weight }; empty while the node does not answer. */
  weights(service: string): Promise<Record<string, number>>
  /** kill -9. */
  kill(): Promise<void>
  /** Again on the same ports, as it was started the first time. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export interface NodesStack {
  readonly consul: TestConsul
  /** Starts a gateway with these arguments. */
  addNode(...args: string[]): Promise<TestNode>
  /** The operator's configuration of these nodes. */
  kongOf(nodes: readonly TestNode[]): OperatorConfig['kong']
  operator(): Operator
  startOperator(nodes: readonly TestNode[], over?: Partial<OperatorConfig>): Promise<Operator>
  stopOperator(): Promise<void>
  /** Stops everything but Consul. */
  clear(): Promise<void>
  stop(): Promise<void>
}

export async function startNodesStack(): Promise<NodesStack> {
  const consul = await startConsul()
  let nodes: TestNode[] = []
  let operator: Operator | null = null
  const stack: NodesStack = {
    consul,
    addNode: async (...args) => {
      const node = await startTestNode(args)
      nodes.push(node)
      return node
    },
    kongOf: (of) => configFor(consul, of).kong,
    operator: () => {
      if (operator === null) throw new Error('no operator is running')
      return operator
    },
    startOperator: async (of, over = {}) => {
      operator = await startOperator({ ...configFor(consul, of), ...over }, { log: silentLogger })
      return operator
    },
    stopOperator: async () => {
      await operator?.stop()
      operator = null
    },
    clear: async () => {
      await stack.stopOperator()
      await Promise.all(nodes.map((node) => node.stop()))
      nodes = []
    },
    stop: async () => {
      await stack.clear()
      await consul.stop()
    },
  }
  return stack
}

async function startTestNode(args: readonly string[]): Promise<TestNode> {
  const [proxy, admin] = await freePorts(2)
  const ports = ['--proxy-port', `${proxy}`, '--admin-port', `${admin}`]
  const start = () => startGatewayNode([...ports, ...args])
  let running: GatewayNode | null = await start()
  const { adminUrl, proxyUrl } = running
  const call: TestNode['admin'] = async (method, path, body) => {
    if (running === null) throw new Error(`${adminUrl} is down`)
    return (await running.admin(method, path, body)) as { status: number; body: KongRow }
  }
  return {
    adminUrl,
    proxyUrl,
    admin: call,
    weights: async (service) => {
      const { body } = await call('GET', `/upstreams/${service}.mesh/targets?size=1000`)
      const rows: { target: string; weight: number }[] = body.data ?? []
      return Object.fromEntries(rows.map(({ target, weight }) => [target, weight]).sort())
    },
    kill: async () => {
      await running?.kill()
      running = null
    },
    restart: async () => {
      const again = start()
      running = await again
    },
    stop: async () => {
      await running?.stop()
      running = null
    },
  }
}

/** Waits until the operator is ready. */
export async function whenReady(operator: Operator): Promise<void> {
  const ready = () =>
    operator.status().ready || Promise.reject(new Error(operator.status().reasons.join('; ')))
  await waitFor(ready, { what: 'the operator being ready' })
}

const configFor = (consul: TestConsul, nodes: readonly TestNode[]): OperatorConfig =>
  operatorConfig({
    consulUrl: consul.url,
    adminUrl: nodes.map(({ adminUrl }) => adminUrl).join(','),
    proxyUrl: nodes[0]!.proxyUrl,
  })

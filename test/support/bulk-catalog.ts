// Thousands of instances in Consul within seconds: written straight into the catalog, spread over nodes of their own,
// as the agents of a large mesh would. An agent takes 13 ms for each once it has thousands.
import { Agent, request } from 'node:http'
import { inParallel } from '../../operator/consul/in-parallel.ts'

export interface BulkInstance {
  readonly service: string
  readonly id: string
  readonly node: string
  readonly address: string
  readonly port: number
  readonly tags?: readonly string[]
  readonly meta?: Readonly<Record<string, string>>
  readonly weights?: { readonly Passing: number; readonly Warning: number }
  /** Status of its one check; null: it has none. */
  readonly check: 'passing' | 'warning' | 'critical' | null
}

export interface BulkCatalog {
  register(instance: BulkInstance): Promise<void>
  registerAll(instances: readonly BulkInstance[]): Promise<void>
  deregister(instance: Pick<BulkInstance, 'node' | 'id'>): Promise<void>
  close(): void
}

export function bulkCatalog(consulUrl: string): BulkCatalog {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const put = (path: string, body: object) =>
    new Promise<void>((done, failed) => {
      const call = request(`${consulUrl}/v1/catalog/${path}`, { method: 'PUT', agent }, (answer) => {
        let text = ''
        answer.on('data', (chunk) => (text += chunk))
        answer.on('end', () =>
          answer.statusCode === 200
            ? done()
            : failed(new Error(`${path} answered ${answer.statusCode}: ${text}`)),
        )
      })
      call.on('error', failed)
      call.end(JSON.stringify(body))
    })
  const register = ({ service, id, node, address, port, tags, meta, weights, check }: BulkInstance) =>
    put('register', {
      Node: node,
      Address: '127.0.0.1',
      Service: {
        ID: id,
        Service: service,
        Address: address,
        Port: port,
        Tags: tags ?? [],
        Meta: meta ?? {},
        ...(weights === undefined ? {} : { Weights: weights }),
      },
      ...(check === null
        ? {}
        : {
            Checks: [
              { Node: node, CheckID: `check:${id}`, Name: 'made by hand', ServiceID: id, Status: check },
            ],
          }),
    })
  return {
    register,
    registerAll: async (instances) => void (await inParallel(instances, 16, register)),
    deregister: ({ node, id }) => put('deregister', { Node: node, ServiceID: id }),
    close: () => agent.destroy(),
  }
}

/** `services` x `perService` instances on `nodes` nodes, all passing; no two share an address. */
export function meshOf(
  services: number,
  perService: number,
  { nodes = 20, nameOf = (n: number) => `scale${n}` } = {},
): BulkInstance[] {
  return Array.from({ length: services * perService }, (_, n) => {
    const service = nameOf(Math.floor(n / perService))
    return {
      service,
      id: `${service}-${n % perService}`,
      node: `node-${n % nodes}`,
      address: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`,
      port: 8_000 + (n % perService),
      check: 'passing' as const,
    }
  })
}

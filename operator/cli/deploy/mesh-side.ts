import type { ProcessConfig } from '../../config/load-config.ts'
import { createAgentWriter } from '../../consul/agent-writer.ts'
import { type ConsulReader, createConsulReader } from '../../consul/consul-reader.ts'
import { PolicyWatch } from '../../consul/policy-watch.ts'
import type { CatalogSnapshot } from '../../core/catalog.ts'
import type { PlannedChange } from '../../core/plan-report.ts'
import { readMeshPlugins } from '../../kong/read-plugins.ts'
import { readState } from '../../kong/read-state.ts'
import { Registrar } from '../../sync/registrar.ts'
import { createMetrics } from '../../telemetry/metrics.ts'
import { type AgentApi, agentApi } from '../agent-api.ts'
import { type MeshReading, reading } from '../mesh-reading.ts'
import { type ReachedKong, reachKong } from '../reach-kong.ts'
import { type CatalogReading, readCatalog } from '../read-mesh.ts'
import { type ConsulChange, type FoundInConsul, withChanges } from './consul-changes.ts'

const POLICIES_WITHIN_MS = 15_000
const ROUTED: ReadonlySet<string> = new Set(['upstream', 'target', 'service', 'route'])

/** What a request needs to reach a service; who may call it is the operator's to know. */
export const isRouted = ({ kind }: Pick<PlannedChange, 'kind'>): boolean => ROUTED.has(kind)

/** Consul and Kong as `deploy` and `destroy` read and write them, without an operator. To be closed. */
export class MeshSide {
  readonly #config: ProcessConfig['operator']
  readonly #reader: ConsulReader
  readonly #agent: AgentApi
  readonly #agents: ReturnType<typeof createAgentWriter>
  readonly #registrar: Registrar
  readonly kong: ReachedKong
  /** null until it was asked. */
  #node: string | null = null

  private constructor(config: ProcessConfig['operator'], kong: ReachedKong) {
    const metrics = createMetrics('')
    this.#config = config
    this.kong = kong
    this.#reader = createConsulReader(config.consul, metrics)
    this.#agent = agentApi(config.consul)
    this.#agents = createAgentWriter(config.consul, metrics)
    this.#registrar = new Registrar({
      ...{ consul: config.consul, reader: this.#reader, agents: this.#agents },
      snapshot: () => null,
    })
  }

  /** @throws KongError, CliError when no Kong answers, or they do not go together */
  static async open({ operator }: ProcessConfig): Promise<MeshSide> {
    return new MeshSide(operator, await reachKong(operator.kong))
  }

  /** What is in Consul. @throws ConsulError */
  readConsul(): Promise<CatalogReading> {
    return readCatalog(this.#reader)
  }

  /** Name of the node that the agent asked runs on. @throws ConsulError */
  async node(): Promise<string> {
    this.#node ??= (await this.#agent.self()).node
    return this.#node
  }

  /** Writes one change to Consul. @throws ConsulError; RequestError when the agent that has an instance is away */
  async write(change: ConsulChange): Promise<void> {
    if (change.what === 'settings') {
      await (change.action === 'delete'
        ? this.#agent.deleteKey(change.key)
        : this.#agent.writeKey(change.key, change.text))
    } else if (change.action === 'deregister') await this.#registrar.deregister(change.id)
    else await this.#registrar.register(change.registration)
  }

  /**
   * What Kong should hold and what it lacks, once Consul has `changes`; of several Kongs the first that lacks anything.
   * @throws ConsulError, KongError
   */
  async readMesh(changes: readonly ConsulChange[] = [], found?: CatalogReading): Promise<MeshReading> {
    const consul = found ?? (await this.readConsul())
    const node = changes.length === 0 ? '' : await this.node()
    const wanted: FoundInConsul = withChanges(consul, changes, node)
    const snapshot = await this.#withPolicies(wanted.snapshot)
    const readings = await Promise.all(
      this.kong.admins.map(async (admin) => {
        const kong = {
          actual: await readState(admin, { mesh: this.#config.mesh }),
          plugins: await readMeshPlugins(admin),
          rows: consul.rows,
          isDbless: this.kong.kind === 'dbless',
        }
        return reading(this.#config, snapshot, wanted.documents, kong)
      }),
    )
    return readings.find(({ diff }) => diff.changes.length > 0) ?? readings[0]!
  }

  /** What Kong still lacks, or has too much, of these services for requests to reach them. */
  async lacking(services: ReadonlySet<string>): Promise<readonly PlannedChange[]> {
    const { plan } = await this.readMesh()
    return plan.changes.filter((change) => services.has(change.service) && isRouted(change))
  }

  /** Has any Kong this target, `10.0.0.5:8080`, in this upstream? @throws KongError */
  async hasTarget(upstream: string, target: string): Promise<boolean> {
    const found = await Promise.all(
      this.kong.admins.map((admin) =>
        admin.list(['upstreams', upstream, 'targets']).catch((error: unknown) => {
          if ((error as { code?: string }).code === 'KONG_NOT_FOUND') return []
          throw error
        }),
      ),
    )
    return found.flat().some((row) => row['target'] === target)
  }

  close(): void {
    this.#reader.close()
    this.#agent.close()
    this.#agents.close()
    for (const admin of this.kong.admins) admin.close()
  }

  /** As the operator reads them: once all kinds are read or refused. */
  async #withPolicies(snapshot: CatalogSnapshot): Promise<CatalogSnapshot> {
    const ending = new AbortController()
    const { signal } = ending
    try {
      return await new Promise<CatalogSnapshot>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error('Consul did not tell its configuration entries within 15 s')),
          POLICIES_WITHIN_MS,
        )
        signal.addEventListener('abort', () => clearTimeout(timer))
        const watch = new PolicyWatch({
          reader: this.#reader,
          signal,
          onChange: (change) => resolve(change.snapshot),
          onUnread: () => {},
        })
        const changed = [...snapshot.services.keys()]
        watch.setCatalog({ snapshot, changed, reasons: new Map(), changedAtMs: Date.now(), isReset: false })
        watch.run().catch(reject)
      })
    } finally {
      ending.abort()
    }
  }
}

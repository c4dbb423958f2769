import { type AgentRegistration, takenOver } from '../api/registration.ts'
import type { AgentWriter, TtlStatus } from '../consul/agent-writer.ts'
import { ConsulError } from '../consul/consul-error.ts'
import type { ConsulReader } from '../consul/consul-reader.ts'
import type { CatalogSnapshot, Instance } from '../core/catalog.ts'
import { instancesFromRows } from '../core/consul-row.ts'
import { RequestError } from '../http/request-error.ts'
import type { ConsulConfig } from './operator-config.ts'

export interface RegistrarOptions {
  readonly consul: ConsulConfig
  readonly reader: ConsulReader
  readonly agents: AgentWriter
  /** What the watch has seen; null while nobody watches. */
  readonly snapshot: () => CatalogSnapshot | null
}

interface Held {
  readonly service: string
  readonly instance: Instance
}

/** A node's meta may say where its agent's HTTP API is; else it is at the node's address. */
const HTTP_META = 'kongsul-http'
/** How long a write waits for the watch to see it, so that whoever asks next is told of it. */
const SEEN_WITHIN_MS = 1_000
const POLL_MS = 5

/**
 * Registers, renews and removes instances with the agent that holds them. An instance belongs to one agent, and only
 * that one can change it: the catalog tells which.
 */
export class Registrar {
  readonly #options: RegistrarOptions
  #ownNode: string | null = null

  constructor(options: RegistrarOptions) {
    this.#options = options
  }

  /**
   * With the agent that has it already, else with this operator's own.
   * @returns the node of the agent
   * @throws RequestError 503 when another agent has it and cannot be reached; ConsulError
   */
  async register(registration: AgentRegistration): Promise<string> {
    const { agents } = this.#options
    const held = await this.#find(registration.ID)
    const node = held === null || isNodeDown(held.instance) ? await this.#own() : held.instance.node
    await this.#reach(node, async (url) => await agents.register(url, registration))
    await this.#seen(() => this.#snapshotHas(registration.Name, node, registration.ID))
    return node
  }

  /** @returns the node of the agent. @throws RequestError 404, 503; ConsulError */
  async deregister(id: string): Promise<string> {
    const held = await this.#find(id)
    if (held === null) throw unknown(id)
    const { node } = held.instance
    const isDone = await this.#reach(node, (url) => this.#options.agents.deregister(url, id))
    if (!isDone) throw unknown(id)
    await this.#seen(() => !this.#snapshotHas(held.service, node, id))
    return node
  }

  /**
   * Renews a TTL check. Where the agent that held the instance is gone, or has forgotten it, it is registered anew.
   * @returns the node of the agent that holds it now
   * @throws RequestError 404; 409 for an instance whose health Consul finds out itself; 503; ConsulError
   */
  async heartbeat(id: string, status: TtlStatus, note: string): Promise<string> {
    const held = await this.#find(id)
    if (held === null) throw unknown(id)
    const { node } = held.instance
    const renew = (url: string) => this.#options.agents.updateTtl(url, `service:${id}`, status, note)
    try {
      if (await this.#reach(node, renew)) return node
    } catch (error) {
      if (!(error instanceof RequestError) || error.statusCode !== 503) throw error
      const own = await this.#own()
      if (own === node || !(await this.#takeOver(held, own, renew))) throw error
      return own
    }
    if (await this.#reach(node, (url) => this.#options.agents.hasService(url, id))) {
      throw new RequestError(409, `${id} has no TTL check: Consul finds out by itself how it is`)
    }
    if (!(await this.#takeOver(held, node, renew))) throw unknown(id)
    return node
  }

  async #takeOver(
    { service, instance }: Held,
    node: string,
    renew: (url: string) => Promise<boolean>,
  ): Promise<boolean> {
    const registration = takenOver(service, instance)
    if (registration === null) return false
    return await this.#reach(node, async (url) => {
      await this.#options.agents.register(url, registration)
      return await renew(url)
    })
  }

  /** Consul's own agent first: it knows what the catalog does not have yet. */
  async #find(id: string): Promise<Held | null> {
    const own = await this.#own()
    const candidates = this.#inSnapshot(id)
    const mine = candidates.find(({ instance }) => instance.node === own)
    if (mine !== undefined) return mine
    const alive = candidates.find(({ instance }) => !isNodeDown(instance)) ?? candidates[0]
    return alive ?? (await this.#inCatalog(id))
  }

  #inSnapshot(id: string): readonly Held[] {
    const found: Held[] = []
    for (const [service, instances] of this.#options.snapshot()?.services ?? []) {
      for (const instance of instances) if (instance.id === id) found.push({ service, instance })
    }
    return found
  }

  /** For an id that the watch has not seen yet: ours begin with the name of their service. */
  async #inCatalog(id: string): Promise<Held | null> {
    const own = await this.#own()
    for (const service of prefixesOf(id)) {
      const { body } = await this.#options.reader.service(service, { stale: false })
      const found = instancesFromRows(body).filter((each) => each.id === id)
      const instance = found.find(({ node }) => node === own) ?? found[0]
      if (instance !== undefined) return { service, instance }
    }
    return null
  }

  async #own(): Promise<string> {
    this.#ownNode ??= await this.#options.agents.nodeName(this.#options.consul.url)
    return this.#ownNode
  }

  /** @throws RequestError 503 naming the agent when it does not answer */
  async #reach<T>(node: string, work: (url: string) => Promise<T>): Promise<T> {
    const url = await this.#urlOf(node)
    try {
      return await work(url)
    } catch (error) {
      const isAway =
        error instanceof ConsulError &&
        (error.code === 'CONSUL_UNREACHABLE' || error.code === 'CONSUL_TIMEOUT')
      if (!isAway) throw error
      const message = `the agent of node ${node} at ${url} does not answer: ${(error as Error).message}`
      throw new RequestError(503, message)
    }
  }

  async #urlOf(node: string): Promise<string> {
    const { consul, reader } = this.#options
    if (node === (await this.#own())) return consul.url
    const { body } = await reader.nodes({ stale: false })
    const row = body.find((each) => each.Node === node)
    if (row === undefined) throw new RequestError(503, `Consul knows no node ${node} any more`)
    const told = row.Meta?.[HTTP_META]
    if (told !== undefined && /^https?:\/\/[^/?#]+$/.test(told)) return told
    const { protocol, port } = new URL(consul.url)
    const host = row.Address.includes(':') ? `[${row.Address}]` : row.Address
    const ownPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port
    return `${protocol}//${host}:${consul.agentPort ?? ownPort}`
  }

  #snapshotHas(service: string, node: string, id: string): boolean {
    const instances = this.#options.snapshot()?.services.get(service) ?? []
    return instances.some((each) => each.id === id && each.node === node)
  }

  /** Returns when it is, or when it takes too long: it is done all the same. */
  async #seen(isSeen: () => boolean): Promise<void> {
    if (this.#options.snapshot() === null) return
    const endMs = performance.now() + SEEN_WITHIN_MS
    while (!isSeen() && performance.now() < endMs) await new Promise((done) => setTimeout(done, POLL_MS))
  }
}

const isNodeDown = ({ checks }: Instance): boolean =>
  checks.some(({ serviceId, id, status }) => serviceId === '' && id === 'serfHealth' && status === 'critical')

const unknown = (id: string) => new RequestError(404, `no instance ${id} is registered`)

/** `a-b-10.0.0.1-80` may be of `a` or of `a-b`. */
function prefixesOf(id: string): readonly string[] {
  const parts = id.split('-')
  return parts
    .map((_, at) => parts.slice(0, at + 1).join('-'))
    .filter((name) => name !== id && /^[a-z0-9-]{1,64}$/.test(name))
    .slice(0, 20)
}

import { EventEmitter } from 'node:events'
import type http from 'node:http'
import ConsulClient from 'consul'
import type { Action } from '../core/intentions/intention.ts'
import type { ConsulConfig } from '../sync/operator-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { shaped } from './answer-shape.ts'
import { connectionAgent } from './connection-agent.ts'
import { ConsulError, consulError } from './consul-error.ts'
import { decodedRows, orNoRows } from './kv-rows.ts'
import type {
  RawCheck,
  RawKey,
  RawLeaf,
  RawNode,
  RawNodeDump,
  RawNodeServices,
  RawSelf,
  RawServiceRow,
  RawSummary,
} from './raw-rows.ts'
import { withToken } from './with-token.ts'

/** An answer that may be acted on: a leader is known and the server that answered heard of it lately. */
export interface Answer<T> {
  readonly body: T
  /** X-Consul-Index; a bigint because it is a uint64. */
  readonly index: bigint
  /** The token may not see all of it (Consul 1.11 and later tell). */
  readonly isFiltered?: boolean
}

export interface ReadOptions {
  /** Blocks until the index is higher than this one, or `waitMs` are over. 0 or absent: answers at once. */
  readonly index?: bigint
  readonly waitMs?: number
  /** Default true: any server may answer; see LAST_CONTACT_LIMIT_MS. */
  readonly stale?: boolean
  readonly signal?: AbortSignal | undefined
}

export type Read<T> = (options?: ReadOptions) => Promise<Answer<T>>

export interface ConsulReader {
  /**
   * Checks that are not passing. A passing one is not worth its bytes: with 6,000 checks the whole list takes a server
   * 70 ms at every wake, this one 5. Still wakes for every change of any check.
   */
  readonly troubledChecks: Read<readonly RawCheck[]>
  /** Names of all services with the union of their tags. */
  readonly services: Read<Readonly<Record<string, readonly string[]>>>
  readonly nodes: Read<readonly RawNode[]>
  nodeServices(node: string, options?: ReadOptions): Promise<Answer<RawNodeServices | null>>
  /** All nodes with all their services in one answer: what Consul's own UI reads; not in the documentation. */
  readonly dump: Read<readonly RawNodeDump[]>
  /** How many instances each service has; from the same source, a tenth of the bytes. */
  readonly summary: Read<readonly RawSummary[]>
  /** Instances of the service of exactly this name; see isAskable for names that cannot be asked for. */
  service(name: string, options?: ReadOptions): Promise<Answer<readonly RawServiceRow[]>>
  /** The same, those that a filter of Consul's own language lets through, whatever their health. */
  filtered(name: string, filter: string, options?: ReadOptions): Promise<Answer<readonly RawServiceRow[]>>
  /** Configuration entries of one kind, as Consul has them. */
  entries(kind: string, options?: ReadOptions): Promise<Answer<readonly unknown[]>>
  /** One entry as Consul has it, not a stale one; null where there is none. */
  entry(kind: string, name: string, options?: ReadOptions): Promise<Readonly<Record<string, unknown>> | null>
  /** Is this entry there? A list leaves out what the token may not read, the question for one is refused. */
  hasEntry(kind: string, name: string, options?: ReadOptions): Promise<boolean>
  /** Intentions, in one form on every version; those that the token may not read are left out. */
  readonly intentions: Read<readonly unknown[]>
  /** Intentions about calls to a service; refused where the token may not read them. Not a stale answer. */
  intentionsFor(destination: string, options?: ReadOptions): Promise<readonly unknown[]>
  /**
   * `default_intention_policy` of the agent (1.18 and later); null where there is none, or the token may not read the
   * agent. The question whether one service may call another does not go by it (seen up to 1.22.7), sidecars do.
   */
  intentionDefault(options?: ReadOptions): Promise<Action | null>
  /** May one service call another? By intentions, else by the default of access control. */
  mayCall(source: string, destination: string, options?: ReadOptions): Promise<boolean>
  /** The certificate that Consul Connect issues for a service, made anew by the agent in time. */
  leaf(service: string, options?: ReadOptions): Promise<Answer<RawLeaf>>
  /** Name of the agent's data centre. */
  datacenter(): Promise<string>
  /** All keys below a prefix; none is an empty list. */
  keys(prefix: string, options?: ReadOptions): Promise<Answer<readonly RawKey[]>>
  close(): void
}

/** Above this a server that answers a stale read has not heard of the leader for too long to be believed. */
export const LAST_CONTACT_LIMIT_MS = 5000
const READ_TIMEOUT_MS = 10_000
const NOT_PASSING = 'Status != "passing"'

/** Reads of Consul through the `consul` package. Every one of them returns a whole answer or throws ConsulError. */
export function createConsulReader(config: ConsulConfig, metrics: Metrics): ConsulReader {
  const agent = connectionAgent(config.url, config.tls)
  const { consul, get } = client(config, agent)

  async function read<T>(endpoint: string, call: Call, options: ReadOptions = {}): Promise<Answer<T>> {
    metrics.consulRequests.inc({ endpoint })
    const context = new Cancellable()
    const cancel = () => context.emit('cancel')
    if (options.signal?.aborted) throw new ConsulError('CONSUL_ABORTED', endpoint, 'the read was given up')
    options.signal?.addEventListener('abort', cancel, { once: true })
    try {
      const [response, body] = await call({ ...query(options), ctx: context })
      const answer = trusted(endpoint, response, body)
      return { ...answer, body: shaped<T>(endpoint, answer.body) }
    } catch (error) {
      const failure = consulError(endpoint, error)
      if (failure.code !== 'CONSUL_ABORTED') metrics.consulErrors.inc({ endpoint })
      throw failure
    } finally {
      options.signal?.removeEventListener('abort', cancel)
    }
  }

  const entry: ConsulReader['entry'] = async (kind, name, options) => {
    try {
      const path = `/config/${kind}/${encodeURIComponent(name)}`
      const call: Call = (o) => get(path, o)
      return (await read<Record<string, unknown>>('config.entry', call, { ...options, stale: false })).body
    } catch (error) {
      if (error instanceof ConsulError && error.status === 404) return null
      throw error
    }
  }

  return {
    troubledChecks: (options) =>
      read('health.state', (o) => consul.health.state({ state: 'any', filter: NOT_PASSING, ...o }), options),
    services: (options) => read('catalog.service.list', (o) => consul.catalog.services(o), options),
    nodes: (options) => read('catalog.node.list', (o) => consul.catalog.nodes(o), options),
    nodeServices: (node, options) =>
      read('catalog.node.services', (o) => consul.catalog.node.services({ node, ...o }), options),
    dump: (options) => read('internal.ui.nodes', (o) => get('/internal/ui/nodes', o), options),
    summary: (options) => read('internal.ui.services', (o) => get('/internal/ui/services', o), options),
    service: async (service, options) => {
      const answer = await read<readonly RawServiceRow[]>(
        'health.service',
        (o) => consul.health.service({ service, ...o }),
        options,
      )
      // Consul looks names up without regard to case, and lists them with it.
      return { ...answer, body: answer.body.filter(({ Service }) => Service.Service === service) }
    },
    filtered: async (service, filter, options) => {
      const answer = await read<readonly RawServiceRow[]>(
        'health.service',
        (o) => consul.health.service({ service, filter, ...o }),
        options,
      )
      return { ...answer, body: answer.body.filter(({ Service }) => Service.Service === service) }
    },
    entries: async (kind, options) => {
      const answer = await read<readonly unknown[] | null>(
        'config.list',
        (o) => get(`/config/${kind}`, o),
        options,
      )
      return { ...answer, body: answer.body ?? [] }
    },
    intentions: async (options) => {
      const call: Call = (o) => get('/connect/intentions', o)
      const answer = await read<readonly unknown[] | null>('connect.intentions', call, options)
      return { ...answer, body: answer.body ?? [] }
    },
    intentionsFor: async (destination, options) => {
      const call: Call = (o) =>
        get('/connect/intentions/match', { ...o, by: 'destination', name: destination })
      const fresh = { ...options, stale: false }
      const { body } = await read<Record<string, readonly unknown[] | null>>(
        'connect.intentions.match',
        call,
        fresh,
      )
      return Object.values(body ?? {}).flatMap((rows) => rows ?? [])
    },
    mayCall: async (source, destination, options) => {
      const call: Call = (o) => get('/connect/intentions/check', { ...o, source, destination })
      const fresh = { ...options, stale: false }
      return (
        (await read<{ Allowed?: boolean }>('connect.intentions.check', call, fresh)).body.Allowed === true
      )
    },
    intentionDefault: async (options) => {
      const call: Call = (o) => get('/agent/self', o)
      try {
        const { body } = await read<RawSelf>('agent.self', call, { ...options, stale: false })
        const policy = body.DebugConfig?.DefaultIntentionPolicy
        return policy === 'allow' || policy === 'deny' ? policy : null
      } catch (error) {
        if (error instanceof ConsulError && error.status === 403) return null
        throw error
      }
    },
    entry,
    hasEntry: async (kind, name, options) => (await entry(kind, name, options)) !== null,
    leaf: (service, options) =>
      read(
        'agent.connect.leaf',
        (o) => get(`/agent/connect/ca/leaf/${encodeURIComponent(service)}`, o),
        options,
      ),
    datacenter: async () => {
      const call: Call = (o) => get('/agent/self', o)
      const { body } = await read<RawSelf>('agent.self', call, { stale: false })
      return body.Config.Datacenter
    },
    keys: async (prefix, options) => {
      const answer = await read<readonly RawKey[] | null | undefined>(
        'kv.get',
        (o) => orNoRows(get(`/kv/${prefix}`, { recurse: 'true', ...o })),
        options,
      )
      return { ...answer, body: decodedRows(answer.body ?? []) }
    },
    close: () => agent.destroy(),
  }
}

type RawResponse = Pick<http.IncomingMessage, 'headers'>
type CallOptions = Record<string, unknown>
type Call = (options: CallOptions) => Promise<[RawResponse, unknown]>
type Method = (options: CallOptions) => Promise<[RawResponse, unknown]>

/** The part of the package we call, typed for `ctx.includeResponse`, which its own types do not know. */
interface Consul {
  readonly health: { readonly state: Method; readonly service: Method }
  readonly catalog: { readonly services: Method; readonly nodes: Method; readonly node: { services: Method } }
  _get(request: CallOptions, ...next: unknown[]): Promise<RawResponse & { body?: unknown }>
}

/** papi gives up a request when its context emits `cancel`, and answers [response, body] when this flag is set. */
class Cancellable extends EventEmitter {
  readonly includeResponse = true
}

function client(config: ConsulConfig, agent: http.Agent) {
  const defaults = config.datacenter === undefined ? {} : { dc: config.datacenter }
  const baseUrl = `${config.url.replace(/\/+$/, '')}/v1`
  const options = { baseUrl, agent, defaults } as unknown as ConstructorParameters<typeof ConsulClient>[0]
  const consul = withToken<Consul>(new ConsulClient(options), config.token)
  const get: (path: string, options: CallOptions) => Promise<[RawResponse, unknown]> = async (path, o) => {
    const { ctx, timeout, stale, ...rest } = o
    const response = await consul._get({
      name: path,
      path,
      ctx,
      timeout,
      query: {
        ...rest,
        ...defaults,
        ...(stale === false ? {} : { stale: '1' }),
      },
    })
    return [response, response.body]
  }
  return { consul, get }
}

function query({ index = 0n, waitMs = 0, stale = true }: ReadOptions): CallOptions {
  if (index <= 0n) return { stale, timeout: READ_TIMEOUT_MS }
  // Consul adds up to a sixteenth to the wait, to spread clients that came together.
  const timeout = waitMs + waitMs / 16 + READ_TIMEOUT_MS
  return { stale, index: String(index), wait: `${waitMs}ms`, timeout }
}

function trusted<T>(endpoint: string, { headers }: RawResponse, body: T): Answer<T> {
  if (headers['x-consul-knownleader'] === 'false') {
    throw new ConsulError('CONSUL_NO_LEADER', endpoint, `${endpoint}: the server knows no leader`)
  }
  const lastContactMs = Number(headers['x-consul-lastcontact'] ?? 0)
  if (lastContactMs > LAST_CONTACT_LIMIT_MS) {
    const message = `${endpoint}: the server last heard of its leader ${lastContactMs} ms ago`
    throw new ConsulError('CONSUL_STALE', endpoint, message)
  }
  const index = /^\d+$/.test(String(headers['x-consul-index']))
    ? BigInt(String(headers['x-consul-index']))
    : 0n
  return { body, index, isFiltered: headers['x-consul-results-filtered-by-acls'] === 'true' }
}

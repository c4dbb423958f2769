// One Kong, up to two operators and their faulty networks, on a Consul that all programs share. Every write to Kong
// goes through here: those of operators through a proxy of their own, those of the person under test through `person`.
import { type Gateway, startGateway } from '../../../kong/gateway/gateway.ts'
import { type Operator, startOperator } from '../../../operator/sync/operator.ts'
import { type Logger, silentLogger } from '../../../operator/telemetry/logger.ts'
import { type Answered, type Asked, type Chaos, type ChaosProxy, startChaosProxy } from '../chaos-proxy.ts'
import type { TestConsul } from '../consul.ts'
import { type SeededRandom, seededRandom } from '../seeded-random.ts'
import { EditBook } from './edits.ts'
import type { Document } from './expected.ts'
import { Gate } from './gate.ts'
import { KongReplica, type Row, subjectOf } from './kong-replica.ts'
import { type KongFault, type OperatorId, SERVICES } from './program.ts'

/** A running operator and the networks it has to Kong and Consul. */
export interface Running {
  readonly operator: Operator
  readonly kong: ChaosProxy
  readonly consul: ChaosProxy
}

export interface PersonAnswer {
  readonly status: number
  readonly body: Row
}

export class World {
  readonly consul: TestConsul
  readonly gate = new Gate()
  readonly replica = new KongReplica()
  readonly edits = new EditBook()
  readonly operators = new Map<OperatorId, Running>()
  /** What is not ours, by id, as the person left it. */
  readonly foreign = new Map<string, { path: string; text: string }>()
  /** Targets that a person keeps out. */
  readonly claims = new Set<string>()
  /** Documents that may be in force, by service: the last good ones that somebody may have read. */
  readonly documents = new Map<string, readonly Document[]>()
  readonly registered = new Map<string, readonly string[]>()
  /** How often the person removed each entity, by kind and name. */
  readonly removals = new Map<string, number>()
  readonly violations: string[] = []
  /** What happened, for the report of a failure. */
  readonly log: string[] = []
  readonly random: SeededRandom
  readonly #mesh: string
  readonly #startedMs = performance.now()
  #gateway!: Gateway
  kongFaults: { percent: number; faults: readonly KongFault[] } = { percent: 0, faults: [] }
  readonly consulFaults = new Map<OperatorId, 'error' | 'noLeader'>()
  /** Called after each write of an operator that reached Kong. */
  onWrite: (operator: OperatorId, asked: Asked, answered: Answered) => void = () => {}
  /** Asked before each; a status keeps it from Kong. */
  beforeWrite: (operator: OperatorId, asked: Asked) => number | null = () => null
  onRead: (operator: OperatorId, path: string) => void = () => {}
  /** Services that something was done to in Consul since everything was last at rest. */
  readonly changed = new Set<string>()
  /** When the person last wrote each entity, on the clock of `tick`. */
  readonly touched = new Map<string, number>()
  writes = 0
  #tick = 0

  private constructor(consul: TestConsul, seed: number) {
    this.consul = consul
    this.#mesh = `model${seed}`
    this.random = seededRandom(seed + 1)
  }

  static async start(consul: TestConsul, seed: number): Promise<World> {
    const world = new World(consul, seed)
    world.#gateway = await startGateway({
      proxyPort: 0,
      adminPort: 0,
      log: silentLogger,
      env: { KONG_WORKER_STATE_UPDATE_FREQUENCY: '0.1' },
    })
    return world
  }

  get mesh(): string {
    return this.#mesh
  }

  get services(): readonly string[] {
    return Array.from({ length: SERVICES }, (_, at) => this.service(at))
  }

  service(at: number): string {
    return `${'abc'[at]}-${this.#mesh}`
  }

  /** A clock that goes on with each question. */
  tick(): number {
    this.#tick += 1
    return this.#tick
  }

  note(line: string): void {
    this.log.push(`${(performance.now() - this.#startedMs).toFixed(0).padStart(6)} ${line}`)
  }

  violated(what: string): void {
    this.note(`VIOLATION ${what}`)
    this.violations.push(what)
  }

  /** Reads Kong past all proxies. */
  async read(path: string): Promise<PersonAnswer> {
    const { status, body } = await this.#call('GET', path)
    return { status, body: body === '' ? null : JSON.parse(body) }
  }

  /** All rows of a list. */
  async list(path: string): Promise<Row[]> {
    const { body } = await this.read(`${path}?size=1000`)
    return Array.isArray(body?.data) ? body.data : []
  }

  /** Something a person does in Kong, with nothing of an operator in between. */
  async person<T>(work: (write: World['write']) => Promise<T>): Promise<T> {
    return await this.gate.alone(() => work(this.write))
  }

  readonly write = async (method: string, path: string, body?: unknown): Promise<PersonAnswer> => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const answer = await this.#call(method, path, text)
    this.note(`person ${method} ${path} ${text.slice(0, 300)} -> ${answer.status}`)
    for (const id of this.replica.note(method, path, answer.status, answer.body)) this.forget(id)
    const written = subjectOf(path)?.id
    if (written) this.touched.set(written, this.tick())
    return { status: answer.status, body: answer.body === '' ? null : JSON.parse(answer.body) }
  }

  /** An entity is gone, and what was remembered of it. */
  forget(id: string): void {
    this.edits.clear(id)
    this.foreign.delete(id)
    this.claims.delete(id)
  }

  async startOperator(id: OperatorId): Promise<void> {
    if (this.operators.has(id)) return
    const kong = await startChaosProxy({
      targetUrl: `http://127.0.0.1:${this.#gateway.adminPort}`,
      chaosOf: (asked) => this.#kongChaos(asked),
      around: (asked, forward) => this.#around(id, asked, forward),
    })
    const consul = await startChaosProxy({
      targetUrl: this.consul.url,
      chaosOf: () => CONSUL_CHAOS[this.consulFaults.get(id) ?? 'none'],
    })
    const operator = await startOperator(
      {
        consul: { url: consul.url },
        kong: { adminUrl: kong.url, timeoutMs: 2000, parallel: 8 },
        proxyUrl: `http://127.0.0.1:${this.#gateway.proxyPort}`,
        api: { host: '127.0.0.1', port: 0 },
        mesh: this.#mesh,
        hostSuffix: 'mesh',
        expose: 'all',
        resync: { cron: '0 0 1 1 *' },
        overrides: { policy: 'keep' },
        operator: { id, advertise: undefined },
        dryRun: false,
      },
      { log: this.#logger(id) },
    )
    this.operators.set(id, { operator, kong, consul })
  }

  async stopOperator(id: OperatorId, how: 'gracefully' | 'killed'): Promise<void> {
    const running = this.operators.get(id)
    if (running === undefined) return
    this.operators.delete(id)
    // Dead to everybody but itself: what it says from now on is heard by nobody.
    if (how === 'killed') await Promise.all([running.kong.close(), running.consul.close()])
    await running.operator.stop()
    await Promise.all([running.kong.close(), running.consul.close()])
  }

  leader(): Operator | null {
    for (const { operator } of this.operators.values()) if (operator.status().leading) return operator
    return null
  }

  async close(): Promise<void> {
    await Promise.all([...this.operators.keys()].map((id) => this.stopOperator(id, 'gracefully')))
    await this.#gateway.close()
    // Those of killed operators among them.
    const services = (await this.consul.request('GET', '/agent/services')) as object
    await Promise.all(Object.keys(services).map((id) => this.consul.deregister(id)))
    await this.consul.request('DELETE', '/kv/mesh?recurse=true')
  }

  async #around(id: OperatorId, asked: Asked, forward: () => Promise<Answered>): Promise<Answered> {
    return await this.gate.pass(async () => {
      const { method, path } = asked
      const isWrite = method !== 'GET' && subjectOf(path) !== null
      const refused = isWrite ? this.beforeWrite(id, asked) : null
      if (refused !== null) return { status: refused, headers: {}, body: '{"message":"somebody was faster"}' }
      const answered = await forward()
      if (method === 'GET') this.onRead(id, path)
      if (method !== 'GET') this.note(`${id} ${method} ${path} ${asked.body} -> ${answered.status}`)
      if (isWrite) {
        const gone = this.replica.note(method, path, answered.status, answered.body)
        for (const each of gone)
          if (this.foreign.has(each)) this.violated(`${method} ${path} took ${each} along`)
        this.onWrite(id, asked, answered)
        for (const each of gone) this.forget(each)
        this.writes += 1
      }
      return answered
    })
  }

  #kongChaos({ method }: Asked): Chaos {
    const { percent, faults } = this.kongFaults
    if (!this.random.chance(method === 'GET' ? percent / 3 : percent)) return { what: 'none' }
    const fault = this.random.pick(faults)
    if (fault === 'slow') return { what: 'slow', ms: this.random.whole(5, 200) }
    if (typeof fault === 'string') return { what: fault }
    return { what: 'answer', status: fault, text: '{"message":"An unexpected error occurred"}' }
  }

  async #call(method: string, path: string, text = ''): Promise<{ status: number; body: string }> {
    const json = text === '' ? {} : { body: text, headers: { 'content-type': 'application/json' } }
    const response = await fetch(`http://127.0.0.1:${this.#gateway.adminPort}${path}`, { method, ...json })
    return { status: response.status, body: await response.text() }
  }

  #logger(id: OperatorId): Logger {
    const say = (message: string, fields?: object) =>
      this.note(`${id}: ${message} ${fields === undefined ? '' : JSON.stringify(fields)}`)
    return { debug: say, info: say, warn: say, error: say }
  }
}

const CONSUL_CHAOS: Readonly<Record<'none' | 'error' | 'noLeader', Chaos>> = {
  none: { what: 'none' },
  error: { what: 'answer', status: 500, text: 'rpc error making call: EOF' },
  noLeader: { what: 'answer', status: 500, text: 'No cluster leader' },
}

// A whole mesh for tests and benches: real Consul, a gateway (the dev gateway, or the Kong that KONG_ADMIN_URL and
// KONG_PROXY_URL name), the operator as a process, and service instances as processes.
import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { type ConsulOptions, startConsul, type TestConsul } from './consul.ts'
import { freePorts } from './free-port.ts'
import { GATEWAY_TIMES } from './gateway-times.ts'
import { givenKong } from './given-kong.ts'
import { type InstancePlace, type InstanceProcess, startInstance } from './instance.ts'
import { type KongsulProcess, startKongsul } from './kongsul-process.ts'
import { waitFor } from './wait-for.ts'

export interface Registration {
  readonly id: string
  readonly name: string
  readonly port: number
  readonly address?: string
  readonly meta?: Record<string, string>
  readonly tags?: readonly string[]
  readonly weights?: { readonly Passing: number; readonly Warning: number }
  /** Consul check definitions; by default an HTTP check of /health every `checkInterval`. */
  readonly checks?: readonly object[]
  readonly checkInterval?: string
}

/** Of a gateway and an operator. */
export interface KnownPorts {
  /** Of a gateway of the mesh's own; undefined: a given Kong will do. */
  readonly admin: number | undefined
  readonly api: number
}

/** What a mesh is made of beside the ordinary. */
export interface MeshOptions extends ConsulOptions {
  /** Instead of a Consul of the mesh's own; it is stopped with the mesh. */
  readonly given?: TestConsul
  /** More arguments of a gateway of the mesh's own. */
  readonly gatewayArgs?: readonly string[]
  /** Whether the gateway is to have the mesh's plugins: which given Kong will do. */
  readonly hasPlugins?: boolean
}

/** An entity, a list of them, or an error, as Kong's Admin API answers. */
// biome-ignore lint/suspicious/noExplicitAny: tests read any field of any entity
export type KongAnswer = any

export class Mesh {
  readonly consul: TestConsul
  readonly adminUrl: string
  readonly proxyUrl: string
  /** Differs from mesh to mesh, so that several can share one Kong. */
  readonly name: string
  #gateway: KongsulProcess | null
  readonly #startGateway: () => KongsulProcess | null
  #operator: KongsulProcess | null = null
  readonly #others: { readonly process: KongsulProcess; readonly url: string }[] = []
  #apiPort = 0
  readonly #instances = new Set<InstanceProcess>()

  private constructor(
    consul: TestConsul,
    startGateway: () => KongsulProcess | null,
    { adminUrl, proxyUrl, apiPort = 0 }: { adminUrl: string; proxyUrl: string; apiPort?: number | undefined },
  ) {
    this.consul = consul
    this.#apiPort = apiPort
    this.#startGateway = startGateway
    this.#gateway = startGateway()
    this.adminUrl = adminUrl
    this.proxyUrl = proxyUrl
    this.name = `t${randomBytes(4).toString('hex')}`
  }

  /**
   * Consul and gateway up and answering; no operator yet.
   * @param kongEnv more KONG_* variables of the gateway, where it is one of ours
   * @param ports that others have to know before; with `admin` the gateway is ours whatever KONG_ADMIN_URL says
   */
  static async start(
    kongEnv: Readonly<Record<string, string>> = {},
    ports?: KnownPorts,
    { given, gatewayArgs = [], hasPlugins = false, ...consulOptions }: MeshOptions = {},
  ): Promise<Mesh> {
    const consul = given ?? (await startConsul(consulOptions))
    const kong = ports?.admin === undefined ? givenKong({ hasPlugins }) : null
    if (kong !== null) return new Mesh(consul, () => null, { ...kong, apiPort: ports?.api })
    const [proxyPort, freePort] = await freePorts(2)
    const adminPort = ports?.admin ?? freePort
    const flags = ['--proxy-port', `${proxyPort}`, '--admin-port', `${adminPort}`]
    const env = { ...GATEWAY_TIMES, ...kongEnv }
    const mesh = new Mesh(consul, () => startKongsul(['gateway', ...flags, ...gatewayArgs], env), {
      adminUrl: `http://127.0.0.1:${adminPort}`,
      proxyUrl: `http://127.0.0.1:${proxyPort}`,
      apiPort: ports?.api,
    })
    try {
      await mesh.#gatewayUp()
    } catch (error) {
      await mesh.stop()
      throw error
    }
    return mesh
  }

  /** A service name that no other mesh on the same Kong has. */
  service(base: string): string {
    return `${base}-${this.name}`
  }

  /** Whether the gateway is the Kong of the environment. */
  get isKongGiven(): boolean {
    return this.#gateway === null
  }

  get operator(): KongsulProcess {
    if (!this.#operator) throw new Error('no operator was started')
    return this.#operator
  }

  /** What a gateway of the mesh's own printed so far. */
  gatewayOutput(): string {
    return this.#gateway?.output() ?? ''
  }

  /** Of a gateway of the mesh's own. */
  get gatewayPid(): number {
    if (!this.#gateway) throw new Error('the gateway is somebody else’s')
    return this.#gateway.pid
  }

  /** A gateway of the mesh's own, again on the same ports, after it was killed. */
  async restartGateway(): Promise<void> {
    this.#gateway = this.#startGateway()
    await this.#gatewayUp()
  }

  /** Of a gateway of the mesh's own: kill -9. */
  async killGateway(): Promise<void> {
    await this.#gateway!.stop('SIGKILL')
  }

  async #gatewayUp(): Promise<void> {
    // The first one after an edit builds what it runs.
    const isUp = async () => (await fetch(`${this.adminUrl}/status`)).ok
    await waitFor(isUp, { what: 'the gateway' })
  }

  /** Of every operator that was started. */
  get apiUrls(): readonly string[] {
    return [this.apiUrl, ...this.#others.map(({ url }) => url)]
  }

  get apiUrl(): string {
    return `http://127.0.0.1:${this.#apiPort}`
  }

  /** Starts the operator and waits until it has synced once. */
  async startOperator(env: Record<string, string> = {}, deadlineMs = 180_000): Promise<KongsulProcess> {
    if (this.#apiPort === 0) this.#apiPort = (await freePorts(1))[0]!
    this.#operator = this.#spawnOperator(this.#apiPort, env)
    await this.#operatorReady(this.#operator, this.apiUrl, deadlineMs)
    return this.#operator
  }

  /** One more operator beside the first, on a port of its own; it goes with the mesh. */
  async addOperator(
    env: Record<string, string> = {},
    deadlineMs = 180_000,
  ): Promise<{ readonly process: KongsulProcess; readonly url: string }> {
    const [port] = (await freePorts(1)) as [number]
    const other = { process: this.#spawnOperator(port, env), url: `http://127.0.0.1:${port}` }
    this.#others.push(other)
    await this.#operatorReady(other.process, other.url, deadlineMs)
    return other
  }

  #spawnOperator(port: number, env: Record<string, string>): KongsulProcess {
    return startKongsul(['operator'], {
      CONSUL_HTTP_ADDR: this.consul.url,
      KONG_ADMIN_URL: this.adminUrl,
      KONG_PROXY_URL: this.proxyUrl,
      KONGSUL_MESH: this.name,
      KONGSUL_PORT_API: `${port}`,
      KONGSUL_EXPOSE_DEFAULT: 'all',
      ...env,
    })
  }

  async #operatorReady(operator: KongsulProcess, url: string, deadlineMs: number): Promise<void> {
    const gone = operator.exited.then((code) => {
      throw new Error(`the operator exited with ${code}: ${operator.output()}`)
    })
    const isReady = async () => {
      const answer = await fetch(`${url}/readyz`)
      return answer.ok || Promise.reject(new Error(await answer.text()))
    }
    await Promise.race([waitFor(isReady, { deadlineMs, what: 'the first sync' }), gone])
  }

  async startInstance(name: string, port = 0, place: InstancePlace = {}): Promise<InstanceProcess> {
    const instance = await startInstance(name, port, place)
    this.#instances.add(instance)
    return instance
  }

  async register({ id, name, port, checks, checkInterval = '1s', ...rest }: Registration): Promise<void> {
    const http = {
      CheckID: `service:${id}`,
      HTTP: `http://${rest.address ?? '127.0.0.1'}:${port}/health`,
      Interval: checkInterval,
      Timeout: '1s',
      Status: 'passing',
    }
    await this.consul.request('PUT', '/agent/service/register', {
      ID: id,
      Name: name,
      Address: rest.address ?? '127.0.0.1',
      Port: port,
      Meta: rest.meta ?? {},
      Tags: rest.tags ?? [],
      ...(rest.weights ? { Weights: rest.weights } : {}),
      Checks: checks ?? [http],
    })
  }

  deregister(id: string): Promise<unknown> {
    return this.consul.deregister(id)
  }

  maintenance(id: string, enable: boolean): Promise<unknown> {
    return this.consul.request('PUT', `/agent/service/maintenance/${id}?enable=${enable}&reason=test`)
  }

  setKv(key: string, document: unknown): Promise<unknown> {
    return this.consul.request('PUT', `/kv/${key}`, document)
  }

  /** Starts `count` instances of `service`, registered with an HTTP check, and waits until each has answered once. */
  async deploy(
    service: string,
    count: number,
    options: Partial<Registration> = {},
  ): Promise<InstanceProcess[]> {
    const started = await Promise.all(
      Array.from({ length: count }, (_, i) => this.startInstance(`${service}-${i + 1}`)),
    )
    for (const { name, port } of started) await this.register({ id: name, name: service, port, ...options })
    await waitFor(
      async () => {
        const targets = await this.targets(service)
        return targets.length === count && targets.every((target) => target.weight > 0)
      },
      { what: `${count} targets of ${service} in Kong` },
    )
    await this.waitLive(service)
    return started
  }

  /** Waits until the proxy answers 200 for the service by its host. */
  async waitLive(service: string): Promise<void> {
    await waitFor(async () => (await this.get(service, '/')).status === 200, {
      what: `${service} through the proxy`,
    })
  }

  /** One request through the proxy, by the service's host. */
  async get(service: string, path: string, headers: Record<string, string> = {}): Promise<Response> {
    return new Promise((resolve, reject) => {
      const call = request(
        `${this.proxyUrl}${path}`,
        { headers: { host: `${service}.mesh`, ...headers } },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () =>
            resolve(
              new Response(answer.statusCode === 204 ? null : Buffer.concat(chunks), {
                status: answer.statusCode ?? 500,
                headers: Object.entries(answer.headers).map(([name, value]): [string, string] => [
                  name,
                  String(value),
                ]),
              }),
            ),
          )
        },
      )
      call.on('error', reject)
      call.end()
    })
  }

  /** Targets of a service's upstream as Kong lists them. */
  async targets(service: string): Promise<{ target: string; weight: number; id: string; tags: string[] }[]> {
    const answer = await fetch(
      `${this.adminUrl}/upstreams/${encodeURIComponent(`${service}.mesh`)}/targets?size=1000`,
    )
    if (answer.status === 404) return []
    return (
      (await answer.json()) as { data: { target: string; weight: number; id: string; tags: string[] }[] }
    ).data
  }

  async admin(method: string, path: string, body?: unknown): Promise<{ status: number; body: KongAnswer }> {
    const answer = await fetch(`${this.adminUrl}${path}`, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text && JSON.parse(text) }
  }

  /** Stops every process and, on a shared Kong, removes what this mesh made. */
  async stop(): Promise<void> {
    await Promise.all(this.#others.map((other) => other.process.stop('SIGKILL')))
    await this.#operator?.stop()
    if (!this.#gateway) await this.#sweep()
    await Promise.all([...this.#instances].map((instance) => instance.kill()))
    await this.#gateway?.stop()
    await this.consul.stop()
  }

  async #sweep(): Promise<void> {
    for (const kind of ['routes', 'plugins', 'services', 'upstreams']) {
      const listed = await this.admin('GET', `/${kind}?size=1000&tags=kongsul.mesh:${this.name}`)
      for (const { id } of listed.body.data) await this.admin('DELETE', `/${kind}/${id}`)
    }
  }
}

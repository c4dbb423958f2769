import type { ProcessConfig } from '../../config/load-config.ts'
import { whoLeads } from '../../leader/who-leads.ts'
import { tlsOptions } from '../../secrets/tls-options.ts'
import { findConsul } from '../../setup/consul-binary.ts'
import type { OperatorConfig } from '../../sync/operator-config.ts'
import { revealed } from '../../telemetry/secret.ts'
import { type AgentApi, agentApi } from '../agent-api.ts'
import { flagsAsEnvironment } from '../agent-config.ts'
import { CliError, explain } from '../cli-error.ts'
import { readCircuits } from '../operator-client.ts'
import { Child } from './child.ts'
import { consulArguments } from './consul-arguments.ts'
import { readConsulVersion } from './consul-version.ts'
import { pickFreePorts } from './free-ports.ts'
import type { KeeperOrder, KeeperReport } from './keeper.ts'
import type { UpPorts } from './plan-ports.ts'
import { PluginsProcess } from './plugins-process.ts'
import { readProxied } from './read-proxied.ts'
import { SampleInstance } from './sample-instance.ts'
import { SAMPLE_SERVICES, samples } from './samples.ts'
import { waitUntil } from './wait-until.ts'

const READY_WITHIN_MS = 30_000

export interface StackOptions {
  readonly config: ProcessConfig
  readonly ports: UpPorts
  /** Use the Consul of the configuration instead of starting one. */
  readonly existingConsul: boolean
  readonly log: (line: string) => void
  /** Every line of every child. */
  readonly onChildLine?: (name: string, line: string) => void
  /** A part that everything needs has ended: `up` cannot go on. */
  readonly onCrash: (problem: string) => void
}

const NOBODY: ReadonlySet<string> = new Set(['CONSUL_UNREACHABLE', 'CONSUL_TIMEOUT'])

/** Everything `up` runs: keeper with Consul, plugins, gateway, operator, sample services. */
export class Stack {
  readonly #options: StackOptions
  readonly #abort = new AbortController()
  readonly agent: AgentApi
  readonly consulUrl: string
  readonly proxyUrl: string
  readonly adminUrl: string
  readonly apiUrl: string
  #keeper: Child | null = null
  #consulPid: number | null = null
  #plugins: PluginsProcess | null = null
  #gateway: Child | null = null
  #operator: Child | null = null
  #instances: SampleInstance[] = []

  constructor(options: StackOptions) {
    const { config, ports, existingConsul } = options
    this.#options = options
    this.consulUrl = existingConsul ? config.operator.consul.url : `http://127.0.0.1:${ports.consul}`
    this.proxyUrl = `http://127.0.0.1:${ports.proxy}`
    this.adminUrl = `http://127.0.0.1:${ports.admin}`
    this.apiUrl = `http://127.0.0.1:${ports.api}`
    this.agent = agentApi(existingConsul ? config.operator.consul : { url: this.consulUrl })
  }

  get instances(): readonly SampleInstance[] {
    return this.#instances
  }

  get hostSuffix(): string {
    return this.#options.config.operator.hostSuffix
  }

  /** What the operator of this stack runs with. */
  get operatorConfig(): OperatorConfig {
    const { operator } = this.#options.config
    return {
      ...operator,
      consul: this.#options.existingConsul ? operator.consul : { url: this.consulUrl },
      kong: { ...operator.kong, adminUrl: this.adminUrl },
      expose: 'all',
    }
  }

  /** Starts everything in order and answers when requests are served; throws what kept it from that. */
  async start(): Promise<void> {
    this.#keeper = this.#child('keeper', ['keeper'])
    this.#keeper.onMessage((message) => this.#onKeeper(message as unknown as KeeperReport))
    await this.#step('Consul', () => (this.#options.existingConsul ? this.#useConsul() : this.#startConsul()))
    // Before the gateway, which asks once, at its start, what the plugins are.
    await this.#step('plugins', () => this.#startPlugins())
    await this.#step('gateway', () => this.#startGateway())
    await this.#step('operator', () => this.startOperator())
    await this.#step('sample services', () => this.#startSamples())
    // Whoever asks now, by doctor, circuits or traces, shall be told of them, and by name.
    await this.#until('the operator hears from the plugins', () => this.#hearsFromPlugins())
    await this.#until('the plugins know the services', () => this.#pluginsKnowServices())
  }

  /** Starts the operator and answers when it has synced once. */
  async startOperator(): Promise<string> {
    const args = [
      'operator',
      ...['--consul-address', this.consulUrl, '--kong-admin-url', this.adminUrl],
      ...['--kong-proxy-url', this.proxyUrl, '--port-api', String(this.#options.ports.api)],
      ...['--expose-default', 'all'],
    ]
    this.#operator = this.#child('operator', args, this.#plugins?.operatorEnv)
    await this.#until('the operator has synced once', async () => (await fetch(`${this.apiUrl}/readyz`)).ok)
    return `pid ${this.#operator.pid}, API ${this.apiUrl}`
  }

  async stopOperator(): Promise<void> {
    await this.#operator?.stop()
  }

  /** A sample instance more, started and registered. */
  async addInstance(service: string, id: string): Promise<SampleInstance> {
    const instance = new SampleInstance({ service, id }, this.#surroundings())
    this.#instances.push(instance)
    this.#tellKeeper()
    await instance.start()
    return instance
  }

  /** Runs a command of kongsul to its end. @throws Error with what it printed when it fails */
  async runCommand(args: readonly string[]): Promise<void> {
    const child = this.#spawn(args[0]!, args, {})
    await child.ended()
    if (child.exitReason !== 'code 0') {
      throw new Error(`kongsul ${args.join(' ')} ended with ${child.exitReason}: ${child.tail.join(' ')}`)
    }
  }

  /** Stops everything, the samples out of Consul first. Never throws: what is left is up to the keeper. */
  async stop(): Promise<void> {
    this.#abort.abort(new Error('stopped'))
    await Promise.allSettled(this.#instances.map((instance) => instance.deregister()))
    await Promise.allSettled([...this.#instances, this.#operator, this.#gateway].map((part) => part?.stop()))
    await this.#plugins?.stop()
    await this.#keeper?.stop()
    this.#killLeftConsul()
    this.agent.close()
  }

  async #useConsul(): Promise<string> {
    try {
      const { version } = await this.agent.self()
      await this.#refuseLed()
      return `${version} at ${this.consulUrl}, used as it is`
    } catch (error) {
      const { code = '' } = error as { code?: string }
      if (!NOBODY.has(code)) throw error
      const remedy =
        'start it, or mend CONSUL_HTTP_ADDR (consul.address); without it, up starts a Consul of its own'
      const tried = `using the Consul at ${this.consulUrl}`
      throw new CliError(code, { tried, answer: explain(error), remedy }, { cause: error })
    }
  }

  /** The operator of this stack would stand by, and its gateway stay empty. */
  async #refuseLed(): Promise<void> {
    const { consul, mesh } = this.#options.config.operator
    const leader = await whoLeads(consul, mesh)
    if (leader === null) return
    throw new CliError('OPERATOR_RUNS', {
      tried: `using the Consul at ${this.consulUrl}`,
      answer: `operator ${leader || '(without a name)'} leads mesh ${mesh} there, and writes to its own Kong`,
      remedy:
        'give this mesh another name (KONGSUL_MESH=mine), or leave CONSUL_HTTP_ADDR out: then up starts a Consul of its own; ' +
        'of an operator that was killed a moment ago the lead ends within 20 s',
    })
  }

  async #startConsul(): Promise<string> {
    const { log, ports } = this.#options
    const binary = await findConsul({ log })
    const [server, serfLan] = (await pickFreePorts(2, Object.values(ports))) as [number, number]
    const args = consulArguments({ http: ports.consul, server, serfLan }, await readConsulVersion(binary))
    this.#keeper!.send({ order: 'run', binary, args } satisfies KeeperOrder)
    await this.#until('Consul has a leader', async () => (await this.agent.leader()) !== '')
    const { version } = await this.agent.self()
    const hasUi = (await fetch(`${this.consulUrl}/ui/`)).ok
    return `${version}, ${hasUi ? `UI ${this.consulUrl}/ui/` : `${this.consulUrl} (this build has no UI)`}`
  }

  async #hearsFromPlugins(): Promise<boolean> {
    const { config } = this.#options
    return (await readCircuits({ ...config, addr: this.apiUrl })).processes.length > 0
  }

  async #pluginsKnowServices(): Promise<boolean> {
    const metrics = await (await fetch(`http://127.0.0.1:${this.#options.ports.plugins}/metrics`)).text()
    return this.#instances.every(({ sample }) =>
      metrics.includes(`mesh_circuit_state{service="${sample.service}"`),
    )
  }

  #startPlugins(): Promise<string> {
    const { config, ports, log } = this.#options
    this.#plugins = new PluginsProcess({
      config,
      ports,
      adminUrl: this.adminUrl,
      apiUrl: this.apiUrl,
      signal: this.#abort.signal,
      log,
      start: (name, args, env) => this.#spawn(name, args, env),
    })
    this.#keeper!.send({ order: 'remove', folder: this.#plugins.folder } satisfies KeeperOrder)
    return this.#plugins.start()
  }

  async #startGateway(): Promise<string> {
    const { proxy, proxyTls, admin } = this.#options.ports
    const args = [
      'gateway',
      ...['--proxy-port', String(proxy), '--proxy-tls-port', String(proxyTls), '--admin-port', String(admin)],
    ]
    // As kong/kong.conf has it; with Kong's default of 5 s a new service would not be served for that long.
    const frequency = process.env['KONG_WORKER_STATE_UPDATE_FREQUENCY'] ?? '0.1'
    this.#gateway = this.#child('gateway', args, {
      KONG_WORKER_STATE_UPDATE_FREQUENCY: frequency,
      ...this.#plugins!.kongEnv,
    })
    await this.#until('the gateway answers', async () => (await fetch(`${this.adminUrl}/status`)).ok)
    return `pid ${this.#gateway.pid}, proxy ${this.proxyUrl}, Admin API ${this.adminUrl}`
  }

  async #startSamples(): Promise<string> {
    this.#instances = samples(await this.#samplePrefix()).map(
      (sample) => new SampleInstance(sample, this.#surroundings()),
    )
    this.#tellKeeper()
    await Promise.all(this.#instances.map((instance) => instance.start()))
    const services = [...new Set(this.#instances.map(({ sample }) => sample.service))]
    for (const service of services) {
      await this.#until(`${service} answers through the gateway`, async () => {
        const { status } = await readProxied(this.proxyUrl, `${service}.${this.hostSuffix}`)
        return status === 200 || Promise.reject(new Error(`${service} answered ${status}`))
      })
    }
    return services
      .map((name) => `${name} (${this.#instances.filter(({ sample }) => sample.service === name).length})`)
      .join(', ')
  }

  /** A Consul of others may have a `web` of its own: then ours are `sample-web` and so on. */
  async #samplePrefix(): Promise<string> {
    if (!this.#options.existingConsul) return ''
    const taken = await this.agent.serviceNames()
    return SAMPLE_SERVICES.some((name) => taken.includes(name)) ? 'sample-' : ''
  }

  #surroundings() {
    return {
      agent: this.agent,
      proxyUrl: this.proxyUrl,
      hostSuffix: this.hostSuffix,
      log: this.#options.log,
    }
  }

  #tellKeeper(): void {
    const { existingConsul, config } = this.#options
    if (!existingConsul) return
    const { url, token, tls } = config.operator.consul
    const { servername, ...texts } = tlsOptions(tls)
    const plain = {
      url,
      token: revealed(token),
      ...(tls ? { tls: { ...texts, serverName: servername } } : {}),
    }
    const serviceIds = this.#instances.map(({ sample }) => sample.id)
    this.#keeper?.send({ order: 'deregister', serviceIds, consul: plain } satisfies KeeperOrder)
  }

  #onKeeper(report: KeeperReport): void {
    if (report.report === 'running') this.#consulPid = report.pid
    else {
      this.#consulPid = null
      this.#options.onCrash(
        `Consul ended with ${report.reason}\n${report.tail.map((line) => `  ${line}`).join('\n')}`,
      )
    }
  }

  /** Only when the keeper itself was killed: then nobody else knows of its Consul. */
  #killLeftConsul(): void {
    if (this.#consulPid === null || !this.#keeper?.exitReason.startsWith('signal')) return
    try {
      process.kill(this.#consulPid, 'SIGKILL')
    } catch {
      // It is gone already, which is what was wanted.
    }
  }

  /** A part that everything needs: with it `up` ends. */
  #child(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
    const child = this.#spawn(name, args, env)
    child.onCrash(() => {
      const tail = child.tail.slice(-8).map((line) => `  ${line}`)
      this.#options.onCrash([`the ${name} ended with ${child.exitReason}`, ...tail].join('\n'))
    })
    return child
  }

  #spawn(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
    // Nothing may start behind the back of `stop`.
    this.#abort.signal.throwIfAborted()
    return new Child({
      name,
      args,
      env: { ...flagsAsEnvironment(this.#options.config), ...env },
      onLine: (line) => this.#options.onChildLine?.(name, line),
    })
  }

  async #step(name: string, run: () => Promise<string>): Promise<void> {
    const startedAt = performance.now()
    const result = await run()
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    this.#options.log(`${name.padEnd(16)} ${result} (${seconds} s)`)
  }

  #until(what: string, condition: () => Promise<boolean>): Promise<void> {
    return waitUntil(condition, { deadlineMs: READY_WITHIN_MS, what, signal: this.#abort.signal })
  }
}

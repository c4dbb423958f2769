import type { AgentApi } from '../agent-api.ts'
import { Child } from './child.ts'
import type { SampleReport } from './sample-service.ts'
import type { Sample } from './samples.ts'

const RESTART_AFTER_MS = 3_000

export interface SampleSurroundings {
  readonly agent: AgentApi
  readonly proxyUrl: string
  readonly hostSuffix: string
  /** One line about what happened to an instance. */
  readonly log: (line: string) => void
}

/** A sample service instance: its process, its registration, its count. One that is killed is started again. */
export class SampleInstance {
  readonly sample: Sample
  readonly #around: SampleSurroundings
  #child: Child | null = null
  #port = 0
  #before = 0
  #current = 0
  #restart: NodeJS.Timeout | undefined
  #stopped = false

  constructor(sample: Sample, around: SampleSurroundings) {
    this.sample = sample
    this.#around = around
  }

  get port(): number {
    return this.#port
  }

  get pid(): number | null {
    return this.#child && !this.#child.hasExited ? this.#child.pid : null
  }

  /** Requests answered since `up` started, health checks apart; counted by the instance itself. */
  get requests(): number {
    return this.#before + this.#current
  }

  async start(): Promise<void> {
    await this.#launch()
    await this.register()
  }

  async register(): Promise<void> {
    const { service, id } = this.sample
    await this.#around.agent.register({
      id,
      name: service,
      address: '127.0.0.1',
      port: this.#port,
      meta: { sample: 'kongsul-up' },
      check: {
        name: 'GET /health',
        http: `http://127.0.0.1:${this.#port}/health`,
        interval: '1s',
        timeout: '1s',
        status: 'passing',
        // Only for a Consul that outlives us: a minute is the least it takes.
        deregistercriticalserviceafter: '1m',
      },
    })
  }

  deregister(): Promise<void> {
    return this.#around.agent.deregister(this.sample.id)
  }

  /** Ends the process as a crash does, and waits until it is gone. It is started again unless `stop` comes first. */
  async kill(): Promise<void> {
    await this.#child?.crash()
  }

  /** Makes it answer 500 for so long, its health check going on to pass; 0 mends it. */
  async fail(seconds: number): Promise<void> {
    const url = `http://127.0.0.1:${this.#port}/fail?seconds=${seconds}`
    const answer = await fetch(url, { method: 'POST', signal: AbortSignal.timeout(5_000) })
    if (!answer.ok) throw new Error(`POST ${url} answered ${answer.status}`)
    await answer.body?.cancel()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#restart)
    await this.#child?.stop()
  }

  async #launch(): Promise<void> {
    const { service, id, calls } = this.sample
    if (this.#stopped) throw new Error(`${id} has been stopped`)
    const { proxyUrl, hostSuffix, log } = this.#around
    const call = calls === undefined ? [] : ['--calls', `${calls}.${hostSuffix}`, '--proxy-url', proxyUrl]
    const child = new Child({
      name: id,
      args: ['sample-service', '--service', service, '--id', id, '--port', String(this.#port), ...call],
    })
    this.#child = child
    this.#before += this.#current
    this.#current = 0
    const listening = new Promise<void>((resolve, reject) => {
      child.onMessage((message) => {
        const report = message as unknown as SampleReport
        if ('port' in report) {
          this.#port = report.port
          resolve()
        } else this.#current = report.requests
      })
      child.onCrash(() => reject(new Error(`${id} ended with ${child.exitReason}: ${child.tail.join(' ')}`)))
    })
    await listening
    child.onCrash(() => {
      log(`${id} ended (${child.exitReason}); it is started again in ${RESTART_AFTER_MS / 1000} s`)
      this.#restartLater()
    })
    // It may have ended between its report and the line above.
    if (child.hasExited) this.#restartLater()
  }

  #restartLater(): void {
    if (this.#stopped) return
    clearTimeout(this.#restart)
    this.#restart = setTimeout(() => {
      if (this.#stopped) return
      this.#launch().then(
        () => this.#around.log(`${this.sample.id} is back on port ${this.#port}`),
        (error) => {
          this.#around.log((error as Error).message)
          this.#restartLater()
        },
      )
    }, RESTART_AFTER_MS)
  }
}

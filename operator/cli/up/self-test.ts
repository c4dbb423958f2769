import { randomBytes } from 'node:crypto'
import { upstreamName } from '../../core/names.ts'
import { startOpenLoop } from './open-loop.ts'
import { readProxied } from './read-proxied.ts'
import type { SampleInstance } from './sample-instance.ts'
import type { Stack } from './stack.ts'
import { waitUntil } from './wait-until.ts'

export interface CheckResult {
  readonly check: string
  readonly ok: boolean
  /** How long the whole check took. */
  readonly tookMs: number
  /** What was measured, or what went wrong. */
  readonly detail: string
}

const PER_SECOND = 200
const WARM_UP_SHOTS = 60
const SHOTS_AFTER = 300
const WITHIN_MS = 15_000

/** Runs the checks of `up --check` one after another; the mesh is as before afterwards. */
export async function runSelfTest(stack: Stack, onResult: (result: CheckResult) => void): Promise<boolean> {
  const test = new SelfTest(stack)
  const checks: readonly (readonly [name: string, run: () => Promise<string>])[] = [
    ['a new service is registered and answers', () => test.register()],
    ['services answer by host and by path', () => test.route()],
    ['a request passes through three services', () => test.chain()],
    ['an instance killed under requests fails none', () => test.kill()],
    ['an instance deregistered under requests fails none', () => test.deregister()],
    ['the operator restarted under requests fails none', () => test.restartOperator()],
    ['a KV edit switches the strategy under requests', () => test.switchStrategy()],
    ['a service that is deregistered is no longer routed', () => test.remove()],
  ]
  let allOk = true
  for (const [check, run] of checks) {
    const startedAt = performance.now()
    const result = await run().then(
      (detail) => ({ check, ok: true, detail }),
      (error) => ({ check, ok: false, detail: (error as Error).message }),
    )
    allOk &&= result.ok
    onResult({ ...result, tookMs: Math.round(performance.now() - startedAt) })
  }
  return allOk
}

class SelfTest {
  readonly #stack: Stack
  readonly #service = `check-${randomBytes(3).toString('hex')}`
  #instance: SampleInstance | null = null

  constructor(stack: Stack) {
    this.#stack = stack
  }

  async register(): Promise<string> {
    this.#instance = await this.#stack.addInstance(this.#service, `${this.#service}-1`)
    const startedAt = performance.now()
    await this.#answers(this.#service, 200)
    return `first 200 after ${elapsed(startedAt)} ms`
  }

  async route(): Promise<string> {
    const services = this.#services()
    for (const service of services) {
      await this.#answers(service, 200)
      await this.#until(`/${service}/ answers`, async () => {
        const { status, body } = await readProxied(this.#stack.proxyUrl, 'localhost', {
          path: `/${service}/x`,
        })
        // The prefix is stripped on the way.
        return status === 200 && (JSON.parse(body) as { path: string }).path === '/x'
      })
    }
    return services.map((service) => `${service}.${this.#stack.hostSuffix} and /${service}/`).join(', ')
  }

  async chain(): Promise<string> {
    const [web = ''] = this.#services()
    const { status, body } = await readProxied(this.#stack.proxyUrl, this.#host(web))
    interface Answer {
      readonly instance: string
      readonly called?: Answer
    }
    const names: string[] = []
    for (let answer: Answer | undefined = JSON.parse(body); answer; answer = answer.called)
      names.push(answer.instance)
    if (status !== 200 || names.length !== 3) throw new Error(`answered ${status}: ${body.trim()}`)
    return names.join(' -> ')
  }

  async kill(): Promise<string> {
    const instances = this.#instancesOf(1)
    const [victim] = instances
    // Consul calls an instance critical until its first check; only then there is somebody to take over.
    await this.#until(`all of ${victim!.sample.service} have weight`, async () => {
      const targets = await this.#targets(victim!.sample.service)
      return targets.filter(({ weight }) => weight > 0).length === instances.length
    })
    return this.#underRequests(1, async () => {
      await victim!.kill()
      return `${victim!.sample.id} killed with SIGKILL`
    })
  }

  async deregister(): Promise<string> {
    const [victim] = this.#instancesOf(2)
    const target = `127.0.0.1:${victim!.port}`
    const result = await this.#underRequests(2, async () => {
      const startedAt = performance.now()
      await victim!.deregister()
      await this.#until(
        `${target} left Kong`,
        async () => !(await this.#hasTarget(victim!.sample.service, target)),
      )
      return `${victim!.sample.id} out of Kong after ${elapsed(startedAt)} ms`
    })
    await victim!.register()
    await this.#until(`${target} is back`, () => this.#hasTarget(victim!.sample.service, target))
    return result
  }

  async restartOperator(): Promise<string> {
    return this.#underRequests(2, async () => {
      const startedAt = performance.now()
      await this.#stack.stopOperator()
      await this.#stack.startOperator()
      return `restarted and synced after ${elapsed(startedAt)} ms`
    })
  }

  async switchStrategy(): Promise<string> {
    const service = this.#services()[2]!
    const key = `mesh/services/${service}`
    const before = await this.#stack.agent.readKey(key)
    try {
      return await this.#underRequests(2, async () => {
        const startedAt = performance.now()
        const document = JSON.stringify({ loadBalancing: { strategy: 'least_connections' } })
        await this.#stack.agent.writeKey(key, document)
        await this.#until(`${service} balances by least-connections`, async () => {
          const upstream = await this.#admin<{ algorithm: string }>(`/upstreams/${upstreamName(service)}`)
          return upstream.algorithm === 'least-connections'
        })
        return `${key} reached Kong after ${elapsed(startedAt)} ms`
      })
    } finally {
      await (before === undefined
        ? this.#stack.agent.deleteKey(key)
        : this.#stack.agent.writeKey(key, before))
    }
  }

  async remove(): Promise<string> {
    if (!this.#instance) throw new Error('it was never registered')
    const startedAt = performance.now()
    await this.#instance.deregister()
    await this.#answers(this.#service, 404)
    const afterMs = elapsed(startedAt)
    await this.#instance.stop()
    return `404 after ${afterMs} ms`
  }

  /** Sends requests to one sample service while `act` runs; any that fails fails the check. */
  async #underRequests(serviceIndex: number, act: () => Promise<string>): Promise<string> {
    const loop = startOpenLoop(this.#stack.proxyUrl, this.#host(this.#services()[serviceIndex]!), PER_SECOND)
    try {
      await this.#until('requests are under way', () => loop.sent >= WARM_UP_SHOTS)
      const said = await act()
      const acted = loop.sent
      await this.#until('requests went on', () => loop.sent >= acted + SHOTS_AFTER)
      await loop.stop()
      const summary = `${said}; ${loop.failures.length} of ${loop.sent} requests failed`
      if (loop.failures.length > 0) throw new Error(`${summary}: ${loop.failures.slice(0, 3).join(', ')}`)
      return summary
    } finally {
      await loop.stop()
    }
  }

  #services(): string[] {
    return [...new Set(this.#stack.instances.map(({ sample }) => sample.service))].filter(
      (name) => name !== this.#service,
    )
  }

  #instancesOf(serviceIndex: number): SampleInstance[] {
    const service = this.#services()[serviceIndex]
    return this.#stack.instances.filter(({ sample }) => sample.service === service)
  }

  #host(service: string): string {
    return `${service}.${this.#stack.hostSuffix}`
  }

  #answers(service: string, wanted: number): Promise<void> {
    return this.#until(`${service} answers ${wanted}`, async () => {
      const { status } = await readProxied(this.#stack.proxyUrl, this.#host(service))
      return status === wanted || Promise.reject(new Error(`it answered ${status}`))
    })
  }

  async #hasTarget(service: string, target: string): Promise<boolean> {
    return (await this.#targets(service)).some((each) => each.target === target)
  }

  async #targets(service: string): Promise<readonly { readonly target: string; readonly weight: number }[]> {
    const path = `/upstreams/${upstreamName(service)}/targets?size=1000`
    const { data } = await this.#admin<{
      data: readonly { readonly target: string; readonly weight: number }[]
    }>(path)
    return data
  }

  async #admin<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.#stack.adminUrl}${path}`, { signal: AbortSignal.timeout(WITHIN_MS) })
    if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}`)
    return (await answer.json()) as T
  }

  #until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    return waitUntil(condition, { deadlineMs: WITHIN_MS, what })
  }
}

const elapsed = (startedAt: number): number => Math.round(performance.now() - startedAt)

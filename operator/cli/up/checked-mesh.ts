import { upstreamName } from '../../core/names.ts'
import { readProxied } from './read-proxied.ts'
import type { SampleInstance } from './sample-instance.ts'
import type { Stack } from './stack.ts'
import { waitUntil } from './wait-until.ts'

/** Some of them call another service: twice as many pass the gateway, on a machine that runs everything. */
export const PER_SECOND = 100
export const WARM_UP_SHOTS = 60
const WITHIN_MS = 15_000

/** The running mesh as the checks look at it. Every wait ends after 15 s with an error that says what was awaited. */
export class CheckedMesh {
  readonly stack: Stack
  /** The sample services: web, api, store. */
  readonly services: readonly string[]

  constructor(stack: Stack) {
    this.stack = stack
    this.services = [...new Set(stack.instances.map(({ sample }) => sample.service))]
  }

  instancesOf(service: string): SampleInstance[] {
    return this.stack.instances.filter(({ sample }) => sample.service === service)
  }

  host(service: string): string {
    return `${service}.${this.stack.hostSuffix}`
  }

  read(service: string, options: Parameters<typeof readProxied>[2] = {}): ReturnType<typeof readProxied> {
    return readProxied(this.stack.proxyUrl, this.host(service), options)
  }

  answers(service: string, wanted: number): Promise<void> {
    return this.until(`${service} answers ${wanted}`, async () => {
      const { status } = await this.read(service)
      return status === wanted || Promise.reject(new Error(`it answered ${status}`))
    })
  }

  /** Consul calls an instance critical until its first check: until then it gets nothing. */
  allHaveWeight(service: string): Promise<void> {
    return this.until(`all of ${service} have weight`, async () => {
      const targets = await this.targets(service)
      return targets.filter(({ weight }) => weight > 0).length === this.instancesOf(service).length
    })
  }

  async hasTarget(service: string, target: string): Promise<boolean> {
    return (await this.targets(service)).some((each) => each.target === target)
  }

  async targets(service: string): Promise<readonly { readonly target: string; readonly weight: number }[]> {
    const { data } = await this.admin<{
      data: readonly { readonly target: string; readonly weight: number }[]
    }>(`/upstreams/${upstreamName(service)}/targets?size=1000`)
    return data
  }

  /** As Kong's balancer has it: HEALTHY, UNHEALTHY, or '' where it has no such target. */
  async healthOf(service: string, target: string): Promise<string> {
    const { data } = await this.admin<{
      data: readonly { readonly target: string; readonly health?: string }[]
    }>(`/upstreams/${upstreamName(service)}/health?size=1000`)
    return data.find((each) => each.target === target)?.health ?? ''
  }

  async admin<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.stack.adminUrl}${path}`, { signal: AbortSignal.timeout(WITHIN_MS) })
    if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}`)
    return (await answer.json()) as T
  }

  until(what: string, condition: () => Promise<boolean> | boolean): Promise<void> {
    return waitUntil(condition, { deadlineMs: WITHIN_MS, what })
  }
}

export const elapsed = (startedAt: number): number => Math.round(performance.now() - startedAt)

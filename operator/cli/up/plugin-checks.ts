import { randomBytes } from 'node:crypto'
import type { TraceView } from '../../traces/trace-view.ts'
import { type CheckedMesh, elapsed, PER_SECOND, WARM_UP_SHOTS } from './checked-mesh.ts'
import { describeFailures, startOpenLoop } from './open-loop.ts'
import type { SampleInstance } from './sample-instance.ts'

const COUNTED_REQUESTS = 20
const BREAKER_INSTANCES = 3
/** Short, so that the instance is tried again while the check looks on; longer than the look at its absence takes. */
const BREAKER = { circuitBreaker: { openSeconds: 3, backoff: { jitter: 0 } } }
const SHOTS_WITHOUT = 100
/** Five failures eject it; the rest is what came in meanwhile, on a machine with much to do. */
const MOST_FAILED = 25

/** The checks of `up --check` that need the plugins: traces, counts, circuits. */
export class PluginChecks {
  readonly #mesh: CheckedMesh
  /** A service of its own: the circuits of the samples stay as they are. */
  readonly #service: string

  constructor(mesh: CheckedMesh, service: string) {
    this.#mesh = mesh
    this.#service = service
  }

  /** One trace through three services, and no word of the mesh's own from a client. */
  async trace(): Promise<string> {
    const [web = '', , store = ''] = this.#mesh.services
    const traceId = randomBytes(16).toString('hex')
    const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` }
    const { body } = await this.#mesh.read(web, { headers })
    const seen = traceparentsOf(body)
    if (seen.length !== 3 || !seen.every((each) => each.split('-')[1] === traceId)) {
      throw new Error(`sent ${headers.traceparent}, the services got ${seen.join(', ') || 'none'}`)
    }
    if (new Set([headers.traceparent, ...seen]).size !== 4) {
      throw new Error(`each gets a span of its own, but they got ${seen.join(', ')}`)
    }
    const forged = { 'x-mesh-route': 'forged/forged', 'x-mesh-span': 'ffffffffffffffff-0123456789abcdef' }
    const answer = await this.#mesh.read(store, { path: '/headers', headers: forged })
    const { 'x-mesh-route': route = '', 'x-mesh-span': span } = JSON.parse(answer.body) as Record<
      string,
      string
    >
    if (!/^[0-9a-f-]{36}\/([0-9a-f-]{36})?$/.test(route) || span !== '0000000000000000') {
      throw new Error(`a client's X-Mesh-Route came through: ${answer.body.trim()}`)
    }
    return `trace ${traceId} in all three; X-Mesh-* of a client are replaced`
  }

  /** The spans of the gateway reach the collector, and make one tree that shows who called whom. */
  async tree(): Promise<string> {
    const { services, stack } = this.#mesh
    const traceId = randomBytes(16).toString('hex')
    const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` }
    const startedAt = performance.now()
    await this.#mesh.read(services[0]!, { headers })
    let tree: TraceView | null = null
    await this.#mesh.until(`trace ${traceId} has a span and a try for each service`, async () => {
      const answer = await fetch(`${stack.apiUrl}/api/v1/mesh/v2/traces/${traceId}`)
      if (!answer.ok) throw new Error(`the operator answered ${answer.status}`)
      tree = (await answer.json()) as TraceView
      return tree.span_count >= 2 * services.length || Promise.reject(new Error(`${tree.span_count} spans`))
    })
    const { spans, services_involved } = tree! as TraceView
    const ids = new Set(spans.map(({ span_id }) => span_id))
    // Its parent is the span of whoever asked, which sends none.
    const roots = spans.filter(({ parent_span_id }) => parent_span_id === null || !ids.has(parent_span_id))
    if (roots.length !== 1) throw new Error(`it has ${roots.length} roots`)
    const missing = services.filter((service) => !services_involved.includes(service))
    if (missing.length > 0) throw new Error(`${missing.join(', ')} are not in it`)
    const { dependencies } = (await (await fetch(`${stack.apiUrl}/api/v1/mesh/v2/topology`)).json()) as {
      dependencies: Record<string, string[]>
    }
    for (const [i, service] of services.slice(1).entries()) {
      const caller = services[i]!
      if (!dependencies[caller]?.includes(service))
        throw new Error(`${caller} -> ${service} is no dependency`)
    }
    return `${spans.length} spans, ${services.join(' -> ')}, ${elapsed(startedAt)} ms after the request`
  }

  /** What became of every request reaches the operator. */
  async count(): Promise<string> {
    const { services } = this.#mesh
    const before = await this.#counted()
    for (let sent = 0; sent < COUNTED_REQUESTS; sent++) await this.#mesh.read(services[0]!)
    const startedAt = performance.now()
    await this.#mesh.until(`mesh_requests_total grows by ${COUNTED_REQUESTS} for each service`, async () => {
      const now = await this.#counted()
      const grown = services.map((each) => (now.get(each) ?? 0) - (before.get(each) ?? 0))
      const isAll = grown.every((each) => each >= COUNTED_REQUESTS)
      return isAll || Promise.reject(new Error(`it grew by ${grown.join(', ')}`))
    })
    return `${COUNTED_REQUESTS} requests counted for each service, ${elapsed(startedAt)} ms after the last`
  }

  /** An instance fails while its health check passes. */
  async eject(): Promise<string> {
    const { stack } = this.#mesh
    await stack.agent.writeKey(this.#key, JSON.stringify(BREAKER))
    const ids = Array.from({ length: BREAKER_INSTANCES }, (_, index) => `${this.#service}-${index + 1}`)
    const instances = await Promise.all(ids.map((id) => stack.addInstance(this.#service, id)))
    await this.#mesh.answers(this.#service, 200)
    await this.#mesh.allHaveWeight(this.#service)
    const loop = startOpenLoop(stack.proxyUrl, this.#mesh.host(this.#service), PER_SECOND)
    try {
      await this.#mesh.until('requests are under way', () => loop.sent >= WARM_UP_SHOTS)
      const { said, without } = await this.#failAndMend(instances[0]!, loop)
      await loop.stop()
      const summary = `${said}; ${loop.failures.length} of ${loop.sent} requests failed`
      const late = loop.failures.filter(({ number }) => number > without.from && number <= without.to)
      if (late.length > 0) throw new Error(`${summary}, some without it: ${describeFailures(late)}`)
      if (loop.failures.length > MOST_FAILED) throw new Error(summary)
      return summary
    } finally {
      await loop.stop()
    }
  }

  /** @returns the numbers of requests that were sent while it was out */
  async #failAndMend(victim: SampleInstance, loop: ReturnType<typeof startOpenLoop>) {
    const target = `127.0.0.1:${victim.port}`
    const turns = (health: string) =>
      this.#mesh.until(
        `${victim.sample.id} is ${health} in Kong`,
        async () => (await this.#mesh.healthOf(this.#service, target)) === health,
      )
    const failsAt = performance.now()
    await victim.fail(60)
    await turns('UNHEALTHY')
    const ejectedMs = elapsed(failsAt)
    const from = loop.sent
    const to = from + SHOTS_WITHOUT
    await this.#mesh.until('requests go on', () => loop.sent >= to)
    const mendedAt = performance.now()
    await victim.fail(0)
    await turns('HEALTHY')
    const answered = victim.requests
    await this.#mesh.until(`${victim.sample.id} has its share again`, () => victim.requests > answered + 20)
    const said = `out after ${ejectedMs} ms, back ${elapsed(mendedAt)} ms after it was mended`
    return { said, without: { from, to } }
  }

  /** A person closes a service off, and leaves it to the breaker again. */
  async force(): Promise<string> {
    const { stack } = this.#mesh
    const circuits = (action: string) =>
      stack.runCommand(['circuits', action, this.#service, '--addr', stack.apiUrl])
    await circuits('open')
    const openedAt = performance.now()
    let refusal = ''
    await this.#mesh.until(`${this.#service} is refused`, async () => {
      const { status, headers, body } = await this.#mesh.read(this.#service)
      if (status !== 503) throw new Error(`it answered ${status}`)
      if (!(Number(headers['retry-after']) >= 1)) throw new Error('503 without Retry-After')
      const { code, state } = JSON.parse(body) as { code: string; state: string }
      refusal = `503 ${code} (${state}), Retry-After ${headers['retry-after']}, after ${elapsed(openedAt)} ms`
      return true
    })
    await circuits('auto')
    const closedAt = performance.now()
    await this.#mesh.answers(this.#service, 200)
    return `${refusal}; auto: 200 after ${elapsed(closedAt)} ms`
  }

  /** Takes out what the checks have put in. */
  async end(): Promise<void> {
    const { stack } = this.#mesh
    await Promise.allSettled([
      stack.agent.deleteKey(this.#key),
      ...this.#mesh.instancesOf(this.#service).map((instance) => instance.deregister()),
    ])
    await Promise.all(this.#mesh.instancesOf(this.#service).map((instance) => instance.stop()))
  }

  get #key(): string {
    return `mesh/services/${this.#service}`
  }

  /** Requests that were answered well, by service, as the operator has counted them. */
  async #counted(): Promise<ReadonlyMap<string, number>> {
    const text = await (await fetch(`${this.#mesh.stack.apiUrl}/metrics`)).text()
    const counts = new Map<string, number>()
    for (const [, labels, value] of text.matchAll(/^mesh_requests_total\{([^}]*)\} (\d+)/gm)) {
      const service = /service="([^"]*)"/.exec(labels!)?.[1]
      if (service === undefined || !labels!.includes('status="2xx"')) continue
      counts.set(service, (counts.get(service) ?? 0) + Number(value))
    }
    return counts
  }
}

interface Answer {
  readonly traceparent?: string
  readonly called?: Answer
}

/** What each service of the chain has received. */
function traceparentsOf(body: string): string[] {
  const seen: string[] = []
  for (let answer: Answer | undefined = JSON.parse(body); answer; answer = answer.called) {
    if (answer.traceparent !== undefined) seen.push(answer.traceparent)
  }
  return seen
}

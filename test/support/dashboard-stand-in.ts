// An operator that serves the real dashboard and answers what a test says: states and sizes that no real mesh has here.
import { mkdtempSync, rmSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { FastifyInstance } from 'fastify'
import { packageRoot } from '../../operator/cli/package-root.ts'
import { createApp } from '../../operator/http/app.ts'
import { dashboardFiles } from '../../operator/http/dashboard-files.ts'
import { RequestError } from '../../operator/http/request-error.ts'
import {
  canariesOf,
  changesOf,
  configurationOf,
  type MeshSize,
  meshAnswers,
  nameOf,
  overridesOf,
  splitsOf,
  statusWith,
  traceOf,
  tracesOf,
} from './dashboard-data.ts'

/** What a path answers: a body, or how it fails. `hang`: nothing, until the other side gives up. */
export type Answer = object | { readonly status: number; readonly message: string } | 'hang'
type Answers = (path: string, query: URLSearchParams, body: unknown) => Answer | undefined

export class DashboardStandIn {
  readonly folder = mkdtempSync(join(tmpdir(), 'kongsul-dashboard-'))
  /** `METHOD path?query`, in order. */
  readonly asked: string[] = []
  /** Last-Event-ID of each stream that was opened; '' for none. */
  readonly streams: string[] = []
  answers: Answers = () => undefined
  /** Without one pages ask again by the clock. */
  hasStream = true
  #app: FastifyInstance | null = null
  #port = 0
  #listeners = new Set<ServerResponse>()
  #lastId = 1_000

  /** Builds the page as it is now, and listens. */
  static async start(): Promise<DashboardStandIn> {
    const standIn = new DashboardStandIn()
    await builtDashboard(standIn.folder)
    await standIn.listen()
    return standIn
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/`
  }

  /** A mesh of this size, all of whose answers are there. */
  show(size: MeshSize): void {
    this.answers = wholeMesh(size)
  }

  /** The same, apart from what `over` says. */
  showBut(size: MeshSize, over: Readonly<Record<string, Answer>>): void {
    const whole = wholeMesh(size)
    this.answers = (path, query, body) => over[path] ?? whole(path, query, body)
  }

  push(kind: string, data: object): void {
    const text = `id: ${++this.#lastId}\nevent: ${kind}\ndata: ${JSON.stringify(data)}\n\n`
    for (const each of this.#listeners) each.write(text)
  }

  get lastId(): number {
    return this.#lastId
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** At the same port again after `down`. */
  async listen(): Promise<void> {
    const app = createApp()
    dashboardFiles(this.folder)(app)
    app.route({
      method: ['GET', 'POST', 'PUT', 'DELETE'],
      url: '/api/v1/mesh/v2/*',
      exposeHeadRoute: false,
      handler: (request, reply) => {
        const { pathname, searchParams } = new URL(request.url, 'http://stand-in')
        const path = decodeURIComponent(pathname.slice('/api/v1/mesh/v2/'.length))
        this.asked.push(`${request.method} ${path}${request.url.includes('?') ? `?${searchParams}` : ''}`)
        if (path === 'events' && this.hasStream) {
          reply.hijack()
          this.streams.push(String(request.headers['last-event-id'] ?? ''))
          this.#listeners.add(reply.raw)
          reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
          reply.raw.on('close', () => this.#listeners.delete(reply.raw))
          return reply
        }
        const answer = this.answers(
          request.method === 'GET' ? path : `${request.method} ${path}`,
          searchParams,
          request.body,
        )
        if (answer === 'hang') return new Promise(() => {})
        if (answer === undefined) throw new RequestError(404, `${request.method} ${pathname} does not exist`)
        if ('status' in answer && typeof answer.status === 'number') {
          throw new RequestError(answer.status, (answer as { message: string }).message)
        }
        return reply.send(answer)
      },
    })
    await app.listen({ host: '127.0.0.1', port: this.#port })
    const address = app.server.address()
    this.#port = typeof address === 'object' && address !== null ? address.port : 0
    this.#app = app
  }

  async down(): Promise<void> {
    for (const each of this.#listeners) each.destroy()
    await this.#app?.close()
    this.#app = null
  }

  async stop(): Promise<void> {
    await this.down()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The page as its sources are now. */
export async function builtDashboard(folder: string): Promise<void> {
  const script = pathToFileURL(join(packageRoot(), 'operator', 'setup', 'build-dashboard.mjs')).href
  const { buildDashboard } = (await import(script)) as {
    buildDashboard: (root: string, outdir: string) => Promise<void>
  }
  await buildDashboard(packageRoot(), folder)
}

function wholeMesh(size: MeshSize): Answers {
  return (path, query) => {
    const nowMs = Date.now()
    const { dashboard, status } = meshAnswers({
      ...size,
      nowMs,
      samples: Math.min(size.samples ?? 90, Number(query.get('history') ?? 90)),
    })
    const [kind, name = ''] = path.split('/')
    if (path === 'dashboard') return dashboard
    if (path === 'status') {
      const service = query.get('service')
      const metrics = service === null ? undefined : dashboard.services[service]
      return service === null || metrics === undefined ? status : statusWith(service, metrics, nowMs)
    }
    if (kind === 'services' && path.endsWith('/metrics')) {
      const metrics = dashboard.services[name]
      if (metrics === undefined) return { status: 404, message: `service ${name} is not in the mesh` }
      return { timestamp: dashboard.timestamp, ...metrics, instances: [] }
    }
    if (path === 'circuits') return { circuits: [], total: 0, processes: [] }
    if (path === 'changes') return changesOf(nowMs)
    if (path === 'overrides') return overridesOf(nowMs)
    if (path === 'splits') return splitsOf(query.get('service') ?? nameOf(0))
    if (path === 'canaries') return canariesOf(query.get('service') ?? nameOf(0), nowMs)
    if (path === 'configure') return configurationOf(query.get('service') ?? nameOf(0))
    if (path === 'traces') return tracesOf(nowMs)
    if (kind === 'traces') return traceOf(nowMs)
    if (kind === 'latency') return latencyOf(name)
    if (path === 'bottlenecks')
      return { window_seconds: 900, traces: 0, services: [], by_share: [], by_p95: [] }
    return undefined
  }
}

const latencyOf = (service: string) => ({
  service,
  window_seconds: 900,
  source: 'server',
  calls: 12,
  errors: 0,
  error_rate: 0,
  p50: 4,
  p95: 9,
  p99: 14,
  operations: [{ operation: 'GET /', calls: 12, errors: 0, error_rate: 0, p50: 4, p95: 9, p99: 14 }],
  callers: [],
  callees: [],
})

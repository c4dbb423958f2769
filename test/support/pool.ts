import { randomUUID } from 'node:crypto'
import type { KongUnderTest, ProxyAnswer, ProxyRequest } from './kong-under-test.ts'
import { waitFor } from './wait-for.ts'

export interface PoolOptions {
  readonly upstream?: Readonly<Record<string, unknown>>
  readonly service?: Readonly<Record<string, unknown>>
  readonly route?: Readonly<Record<string, unknown>>
  /** Besides the pool's own prefix. */
  readonly morePaths?: readonly string[]
  /** Weight by port. */
  readonly targets: readonly (readonly [port: number, weight: number])[]
}

export interface TargetState {
  readonly target: string
  readonly weight: number
  readonly health?: string
  readonly data?: { readonly weight: { readonly available: number; readonly total: number } }
}

/** An upstream with its service and route, live on the Kong under test. */
export interface Pool {
  readonly name: string
  readonly path: string
  send(options?: Partial<ProxyRequest>): Promise<ProxyAnswer>
  /** Sends `count` requests one after another; how often each port answered, or each status that was not 200. */
  tally(count: number, options?: (index: number) => Partial<ProxyRequest>): Promise<Record<string, number>>
  /** Health by port, as the Admin API tells it. */
  health(): Promise<Record<string, string | undefined>>
  mark(port: number, state: 'healthy' | 'unhealthy'): Promise<number>
  admin(method: string, path: string, body?: unknown): Promise<number>
}

/** Makes a pool under a name of its own and waits until requests reach it and Kong has built its balancer. */
export async function createPool(kong: KongUnderTest, options: PoolOptions): Promise<Pool> {
  const name = `pool-${randomUUID().slice(0, 8)}`
  const must = async (method: string, path: string, body: unknown): Promise<void> => {
    const answer = await kong.admin(method, path, body)
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  await must('PUT', `/upstreams/${name}`, options.upstream ?? {})
  for (const [port, weight] of options.targets) {
    await must('POST', `/upstreams/${name}/targets`, { target: `127.0.0.1:${port}`, weight })
  }
  await must('PUT', `/services/${name}`, { host: name, connect_timeout: 1000, ...options.service })
  const paths = [`/${name}`, ...(options.morePaths ?? [])]
  await must('PUT', `/routes/${name}`, { service: { name }, paths, ...options.route })

  const states = async (): Promise<readonly TargetState[]> => {
    const { body } = await kong.admin('GET', `/upstreams/${name}/health`)
    return (body as { data: TargetState[] }).data
  }
  const pool: Pool = {
    name,
    path: `/${name}/x`,
    send: (request) => kong.request({ path: `/${name}/x`, ...request }),
    tally: async (count, request) => {
      const counts: Record<string, number> = {}
      for (let i = 0; i < count; i++) {
        const answer = await pool.send(request?.(i))
        const key = answer.status === 200 ? String(JSON.parse(answer.text).port) : String(answer.status)
        counts[key] = (counts[key] ?? 0) + 1
      }
      return counts
    },
    health: async () =>
      Object.fromEntries((await states()).map((state) => [state.target.split(':')[1], state.health])),
    mark: async (port, state) =>
      (await kong.admin('PUT', `/upstreams/${name}/targets/127.0.0.1:${port}/${state}`)).status,
    admin: async (method, path, body) => (await kong.admin(method, path, body)).status,
  }
  const probe = { method: 'OPTIONS', path: `/${name}/`, headers: { connection: 'close' } }
  await waitFor(async () => (await pool.send(probe)).status !== 404, {
    pollMs: 50,
    what: `route ${name} being live`,
  })
  await waitFor(
    async () => {
      const known = await states()
      return known.length === options.targets.length && known.every((state) => state.health !== undefined)
    },
    { pollMs: 50, what: `balancer of ${name} being built` },
  )
  return pool
}

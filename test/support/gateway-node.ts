import { type KongsulProcess, startKongsul } from './kongsul-process.ts'
import { waitFor } from './wait-for.ts'

/** A dev gateway in a process of its own. */
export interface GatewayNode {
  readonly adminUrl: string
  readonly proxyUrl: string
  admin(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>
  /** What the proxy answers to GET with this Host. */
  status(host: string): Promise<number>
  stop(): Promise<number | null>
  /** kill -9 of the process that listens. */
  kill(): Promise<void>
}

/** Starts `kongsul gateway` on free ports with more arguments; resolves when it listens. */
export async function startGatewayNode(args: readonly string[]): Promise<GatewayNode> {
  const started: KongsulProcess = startKongsul([
    ...['gateway', '--output', 'json', '--proxy-port', '0', '--admin-port', '0'],
    ...args,
  ])
  const { admin: adminUrl, proxy: proxyUrl } = await Promise.race([
    waitFor(() => listening(started.output()), { deadlineMs: 60_000, what: 'a gateway that listens' }),
    started.exited.then((code) => {
      throw new Error(`the gateway ended with ${code}:\n${started.output()}`)
    }),
  ]).catch(async (error) => {
    await started.stop('SIGKILL')
    throw error
  })

  async function admin(method: string, path: string, body?: unknown) {
    const response = await fetch(adminUrl + path, {
      method,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) }
  }

  return {
    adminUrl,
    proxyUrl,
    admin,
    status: async (host) => {
      // fetch may not set Host, so a header of the same meaning to routes is used.
      const response = await fetch(proxyUrl, {
        headers: { 'x-host': host },
        signal: AbortSignal.timeout(10_000),
      })
      await response.arrayBuffer()
      return response.status
    },
    stop: () => started.stop(),
    kill: async () => {
      const { body } = await admin('GET', '/')
      process.kill((body as { pids: { master: number } }).pids.master, 'SIGKILL')
      await started.exited
    },
  }
}

/** Where it listens, once it has printed that. */
function listening(output: string): { readonly admin: string; readonly proxy: string } | undefined {
  const [proxy, admin] = ['proxy', 'admin'].map(
    (name) => new RegExp(`^ *"${name}": "(http:[^"]+)"`, 'm').exec(output)?.[1],
  )
  return proxy === undefined || admin === undefined ? undefined : { proxy, admin }
}

// `kongsul plugins` as a process of its own, and what a gateway has to be told to use it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { wantedPlugins } from '../../operator/core/service-plugins.ts'
import { kongEnvironment } from '../../plugins/server/kong-environment.ts'
import { freeUdpPort } from './free-port.ts'
import type { GivenPlugins } from './given-kong.ts'
import { type KongsulProcess, startKongsul } from './kongsul-process.ts'
import { descendants } from './process-tree.ts'
import { waitFor } from './wait-for.ts'

export const FEED_TOKEN = 'token-of-the-feed-for-tests'
export const LINE_TOKEN = 'token-of-the-lines-for-tests'

/** How the gateway tells what became of requests. */
export type OutcomeWays = 'access_log' | 'observer' | 'both'

export interface PluginServer {
  /** KONG_* variables. */
  readonly kongEnv: Readonly<Record<string, string>>
  readonly folder: string
  /** Of the process that starts the others; throws before it was started. */
  readonly pid: number
  output(): string
  /** Starts it; Kong's Admin API and the operators are known by then. Answers when a process works and one waits. */
  start(env: PluginServerEnv): Promise<void>
  health(): Promise<{ readonly working: number | null; readonly waiting: number | null }>
  metrics(): Promise<string>
  /** Kills the whole of it, the working processes too. Its folder stays: it can be started again. */
  kill(): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
}

export interface PluginServerEnv {
  readonly adminUrl: string
  readonly operators: string
  readonly more?: Readonly<Record<string, string>>
  /** More arguments. */
  readonly args?: readonly string[]
}

/** @param given what a Kong that is up already was told; its folder stays */
export async function pluginServer(
  outcomes: OutcomeWays = 'access_log',
  given: GivenPlugins | null = null,
): Promise<PluginServer> {
  const folder = given?.folder ?? mkdtempSync(join(tmpdir(), 'kps-'))
  const feedPort = given?.feedPort ?? (await freeUdpPort())
  const lineToken = given?.lineToken ?? LINE_TOKEN
  let server: KongsulProcess | null = null
  let url = ''
  const health = async () =>
    (await (await fetch(`${url}/healthz`)).json()) as Awaited<ReturnType<PluginServer['health']>>
  return {
    kongEnv: kongEnvironment({
      socketDir: folder,
      lineToken,
      feed: outcomes === 'observer' ? null : { host: '127.0.0.1', port: feedPort },
      plugins: wantedPlugins(outcomes === 'access_log' ? outcomes : 'observer'),
    }),
    folder,
    get pid() {
      if (server === null) throw new Error('the plugin server was not started')
      return server.pid
    },
    output: () => server?.output() ?? '',
    async start({ adminUrl, operators, more = {}, args = [] }) {
      server = startKongsul(['plugins', '--socket-dir', folder, '--plugins-port', '0', ...args], {
        KONG_ADMIN_URL: adminUrl,
        KONGSUL_PLUGINS_OPERATORS: operators,
        KONGSUL_PORT_FEED: String(feedPort),
        KONGSUL_FEED_TOKEN: FEED_TOKEN,
        KONGSUL_FEED_LINE_TOKEN: lineToken,
        ...more,
      })
      const told = () => /http:\/\/127\.0\.0\.1:\d+/.exec(server!.output())?.[0]
      url = await waitFor(told, { what: 'the plugin server' })
      const isReady = async () => {
        const { working, waiting } = await health()
        return working !== null && waiting !== null
      }
      await waitFor(isReady, { what: 'a working and a waiting process' })
    },
    health,
    metrics: async () => await (await fetch(`${url}/metrics`)).text(),
    async kill() {
      if (server === null) return
      const workers = descendants(server.pid).map(({ pid }) => pid)
      await server.stop('SIGKILL')
      for (const pid of workers) killed(pid)
    },
    async stop(signal) {
      await server?.stop(signal)
      if (given === null) rmSync(folder, { recursive: true, force: true })
    },
  }
}

function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it went with its parent
  }
}

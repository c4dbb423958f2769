// What happens to the plugin processes, and to what they and limits use.
import { startRedis, type TestRedis } from '../support/redis.ts'
import { type ScriptedServer, startScriptedServer } from '../support/scripted-server.ts'
import { waitFor } from '../support/wait-for.ts'
import { type Fault, fault } from './fault.ts'
import type { Stage } from './stage.ts'

/** Kong's lua_socket_read_timeout, which a request waits for each of two access plugins at the most, and some. */
const SLOWEST_MS = 1_100

const signalWorking = (name: string, what: string, signal: NodeJS.Signals): Fault<never> => {
  let working: number | null = null
  return fault({
    name,
    what,
    lastsMs: 3_000,
    inject: async ({ processes }: Stage) => {
      working = await waitFor(
        async () => {
          const health = await processes.plugins.health()
          return health.waiting === null ? null : health.working
        },
        { deadlineMs: 30_000, what: 'a working and a waiting process' },
      )
      process.kill(working, signal)
    },
    isNoticed: async ({ processes }) => {
      if (working === null) return false
      return ![null, working].includes((await processes.plugins.health()).working)
    },
    bounds: { failed: 0, slowestMs: SLOWEST_MS, noticedMs: 1_500 },
  })
}

const redisFault = (
  entry: Pick<Fault<TestRedis>, 'name' | 'what' | 'inject' | 'heal' | 'bounds'>,
): Fault<never> =>
  fault<TestRedis>({
    setUp: async (after) => {
      const redis = await startRedis()
      after(() => redis.stop())
      return { resource: redis, mesh: {}, operatorEnv: async () => ({ REDIS_URL: redis.url }) }
    },
    settings: { rateLimit: { second: 100_000, policy: 'redis' } },
    lastsMs: 5_000,
    ...entry,
  })

export const PLUGIN_FAULTS: readonly Fault<never>[] = [
  signalWorking('plugins-working-killed', 'the plugin process that works gets SIGKILL', 'SIGKILL'),
  signalWorking('plugins-working-hangs', 'the plugin process that works hangs (SIGSTOP)', 'SIGSTOP'),
  fault({
    name: 'plugins-all-killed',
    what: 'all plugin processes and their parent get SIGKILL, and are started 3 s later',
    lastsMs: 3_000,
    inject: ({ processes }) => processes.plugins.kill(),
    isNoticed: async (stage) => (await stage.status()).problems.some(({ code }) => code === 'PLUGINS_SILENT'),
    heal: ({ processes }) => processes.startPlugins(),
    bounds: { failed: 0, slowestMs: SLOWEST_MS },
  }),
  redisFault({
    name: 'redis-gone',
    what: 'Redis, which counts a rate limit and carries the old API, gets SIGKILL and is back 5 s later',
    inject: ({ resource: redis }) => redis.kill(),
    heal: ({ resource: redis }) => redis.start(),
    bounds: { failed: 0, slowestMs: SLOWEST_MS },
  }),
  redisFault({
    name: 'redis-hangs',
    what: 'the same Redis hangs (SIGSTOP) for 5 s',
    inject: ({ resource: redis }) => redis.pause(),
    heal: ({ resource: redis }) => redis.resume(),
    bounds: { failed: 0, slowestMs: 2 * SLOWEST_MS },
  }),
  fault<ScriptedServer>({
    name: 'otlp-gone',
    what: 'the OTLP target of the spans is gone for good',
    setUp: async () => {
      const target = await startScriptedServer()
      const pluginsEnv = { OTEL_EXPORTER_OTLP_ENDPOINT: target.url }
      return { resource: target, mesh: { pluginsEnv } }
    },
    lastsMs: 5_000,
    inject: ({ resource: target }) => target.close(),
    isNoticed: async ({ processes }) =>
      /mesh_span_export_retries_total\{[^}]*\} [1-9]/.test(await processes.plugins.metrics()),
    bounds: { failed: 0 },
  }),
]

import { join } from 'node:path'
import { cacheDir } from './cache-dir.ts'
import { debianPackage } from './debian-package.ts'
import { findServer } from './find-server.ts'
import { onPath } from './on-path.ts'
import { writeLauncher } from './write-launcher.ts'

interface Sources {
  /** One line about what is tried and which source was used. */
  readonly log: (line: string) => void
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Debian's suites, newest first, with what its redis-server needs beside the base system. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  bookworm: ['redis-tools', 'libatomic1', 'libgcc-s1', 'libjemalloc2', 'liblzf1', 'libssl3', 'libstdc++6'],
  bullseye: [
    'redis-tools',
    'libatomic1',
    'libgcc-s1',
    'libhiredis0.14',
    'libjemalloc2',
    'liblua5.1-0',
    'liblzf1',
    'libssl1.1',
    'libstdc++6',
    'lua-bitop',
    'lua-cjson',
  ],
}

/** Name of the script in an unpacked tree that starts its server with its libraries. */
const LAUNCHER = 'start-redis-server'

/**
 * Finds a redis-server for tests: REDIS_BIN, PATH, the cache, Debian's packages. Every candidate is asked for its
 * version before it is returned.
 * @returns its absolute path.
 * @throws Error that lists every source and why it did not do.
 */
export async function findRedis({ log, env = process.env }: Sources): Promise<string> {
  const cached = Object.keys(SUITES).map((suite) =>
    join(cacheDir(), 'debian', suite, 'redis-server', LAUNCHER),
  )
  return await findServer({
    configured: { variable: 'REDIS_BIN', path: env['REDIS_BIN'] },
    places: [...onPath('redis-server', env['PATH']), ...cached],
    sources: Object.entries(SUITES).map(([suite, beside]) => [
      `Debian's redis-server package (${suite})`,
      async () =>
        writeLauncher(await debianPackage('redis-server', suite, beside), 'usr/bin/redis-server', LAUNCHER),
    ]),
    version: { command: 'redis-server', argument: '--version', pattern: /^(Redis|Valkey) server v=\d+/ },
    notFound: 'no redis-server found. Install it or set REDIS_BIN.',
    log,
  })
}

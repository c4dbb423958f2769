import { existsSync } from 'node:fs'
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

/** Debian's suites, newest first, with what its nginx needs beside the base system. */
const SUITES: Readonly<Record<string, readonly string[]>> = {
  bookworm: ['libcrypt1', 'libpcre2-8-0', 'libssl3', 'zlib1g'],
  bullseye: ['libcrypt1', 'libpcre3', 'libssl1.1', 'zlib1g'],
}
/** Of bullseye the package `nginx` has no program in it. */
const PACKAGES: Readonly<Record<string, string>> = { bookworm: 'nginx', bullseye: 'nginx-light' }
const LAUNCHER = 'start-nginx'

/**
 * Finds an nginx for the bench: NGINX_BIN, PATH, the cache, Debian's packages. Every candidate is asked for its version
 * before it is returned.
 * @returns its absolute path.
 * @throws Error that lists every source and why it did not do.
 */
export async function findNginx({ log, env = process.env }: Sources): Promise<string> {
  const suites = Object.keys(SUITES)
  const cached = suites.map((suite) => join(cacheDir(), 'debian', suite, PACKAGES[suite]!, LAUNCHER))
  return await findServer({
    configured: { variable: 'NGINX_BIN', path: env['NGINX_BIN'] },
    places: [...onPath('nginx', env['PATH']), ...cached.filter((path) => existsSync(path))],
    sources: suites.map((suite) => [
      `Debian's ${PACKAGES[suite]} package (${suite})`,
      async () =>
        writeLauncher(
          await debianPackage(PACKAGES[suite]!, suite, SUITES[suite]!),
          'usr/sbin/nginx',
          LAUNCHER,
        ),
    ]),
    version: { command: 'nginx', argument: '-v', pattern: /^nginx version: nginx\/\d+\.\d+/ },
    notFound: 'no nginx found. Install it or set NGINX_BIN.',
    log,
  })
}

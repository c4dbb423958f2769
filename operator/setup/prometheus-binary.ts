import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir } from './cache-dir.ts'
import { debianPackage } from './debian-package.ts'
import { findServer } from './find-server.ts'
import { onPath } from './on-path.ts'

interface Sources {
  /** One line about what is tried and which source was used. */
  readonly log: (line: string) => void
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Debian's suites, newest first. Its Prometheus needs nothing beside the base system. */
const SUITES = ['bookworm', 'bullseye'] as const

/** The two programs of the package. */
export const PROMETHEUS_PROGRAMS = ['prometheus', 'promtool'] as const
export type PrometheusProgram = (typeof PROMETHEUS_PROGRAMS)[number]

/**
 * Finds Prometheus, or its promtool, for tests: PROMETHEUS_BIN or PROMTOOL_BIN, PATH, the cache, Debian's package. Every
 * candidate is asked for its version before it is returned.
 * @returns its absolute path.
 * @throws Error that lists every source and why it did not do.
 */
export async function findPrometheus(
  program: PrometheusProgram,
  { log, env = process.env }: Sources,
): Promise<string> {
  const variable = `${program.toUpperCase()}_BIN`
  const inTree = join('usr', 'bin', program)
  const cached = SUITES.map((suite) => join(cacheDir(), 'debian', suite, 'prometheus', inTree))
  return await findServer({
    configured: { variable, path: env[variable] },
    places: [...onPath(program, env['PATH']), ...cached.filter((path) => existsSync(path))],
    sources: SUITES.map((suite) => [
      `Debian's prometheus package (${suite})`,
      async () => join(await debianPackage('prometheus', suite), inTree),
    ]),
    version: {
      command: program,
      argument: '--version',
      pattern: new RegExp(`^${program}, version \\d+\\.\\d+`),
    },
    notFound: `no ${program} found. Install Prometheus or set ${variable}.`,
    log,
  })
}

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { configOf, type ProcessConfig } from '../../config/load-config.ts'
import { revealed } from '../../telemetry/secret.ts'
import { CliError } from '../cli-error.ts'
import { packageRoot } from '../package-root.ts'

const run = promisify(execFile)
/** Images may have to be pulled and built. */
const BUILD_LIMIT_MS = 1_800_000
const UP_LIMIT_MS = 600_000
const ASK_LIMIT_MS = 30_000

/** In the order in which they need each other; what else they need compose starts before them. */
export const COMPOSE_ORDER = [
  ...['postgres', 'redis', 'consul', 'plugins', 'kong', 'operator', 'operator-2', 'prometheus', 'grafana'],
]
/** Of docker-compose.yml. Without its samples, which nothing of the others needs. */
const PROFILE = 'full'

/** docker-compose.yml of this checkout. */
export interface Compose {
  build(): Promise<void>
  /** Starts one service and what it needs, and returns when it is healthy. */
  up(service: string): Promise<void>
  /** What compose runs with, at the addresses that it publishes. */
  configured(config: ProcessConfig): Promise<ProcessConfig>
  /** Does anything of it run? */
  isUp(): Promise<boolean>
  /** @param volumes remove what it keeps as well */
  down(volumes: boolean): Promise<void>
}

/** @throws CliError DOCKER_MISSING when docker, its compose plugin, its daemon or the files are not there */
export async function openCompose(): Promise<Compose> {
  const root = packageRoot()
  const file = join(root, 'docker-compose.yml')
  if (!existsSync(file) || !existsSync(join(root, 'kong', 'Dockerfile'))) {
    throw missing(`${root} has no docker-compose.yml with the sources that its image is built from`, {
      remedy: 'run it in a clone of the repository, or give --target existing',
    })
  }
  const compose = async (args: readonly string[], timeout: number): Promise<string> => {
    const all = ['compose', '-f', file, '--profile', PROFILE, ...args]
    try {
      return (await run('docker', all, { timeout, maxBuffer: 64 << 20 })).stdout.trim()
    } catch (error) {
      throw new CliError('COMPOSE_FAILED', {
        tried: `docker ${all.join(' ')}`,
        answer: lastWords(error),
        remedy: 'run that command to see all of it; docker compose logs SERVICE has what a container says',
      })
    }
  }
  const told = await ask(
    ['compose', 'version', '--short'],
    'docker has no compose plugin',
    'install docker-compose-plugin',
  )
  if (isOlderCompose(told)) {
    throw missing(
      `docker compose is ${told}; docker-compose.yml needs ${OLDEST_COMPOSE.join('.')} or newer`,
      {
        remedy: 'update docker-compose-plugin, or give --target existing with Consul and Kong by URL',
      },
    )
  }
  await ask(['info', '--format', '{{.ServerVersion}}'], 'the docker daemon does not answer', 'start it')
  const address = async (service: string, port: number): Promise<string> => {
    const [told = ''] = (await compose(['port', service, String(port)], ASK_LIMIT_MS)).split('\n')
    const host = told.replace(/:\d+$/, '')
    return `http://${host === '0.0.0.0' || host === '[::]' ? '127.0.0.1' : host}:${told.split(':').at(-1)}`
  }
  return {
    build: async () => void (await compose(['build'], BUILD_LIMIT_MS)),
    up: async (service) => void (await compose(['up', '-d', '--wait', service], UP_LIMIT_MS)),
    isUp: async () => (await compose(['ps', '-q'], ASK_LIMIT_MS)) !== '',
    down: async (volumes) => void (await compose(['down', ...(volumes ? ['--volumes'] : [])], UP_LIMIT_MS)),
    configured: async (config) => {
      const [consul, kongAdmin, proxy, operator] = await Promise.all([
        address('consul', 8500),
        address('kong-network', 8001),
        address('kong-network', 8000),
        address('operator', 8080),
      ])
      return composeConfig(config, { consul, kongAdmin, proxy, operator })
    },
  }
}

/** URLs that compose publishes. */
export interface Published {
  readonly consul: string
  readonly kongAdmin: string
  readonly proxy: string
  readonly operator: string
}

/**
 * What `operator` of docker-compose.yml runs with, seen from outside. Of what this process was given only Consul's token,
 * which compose hands on, the token for the operator, and where snapshots go: the rest is about another mesh. Pure.
 */
export function composeConfig(given: ProcessConfig, published: Published): ProcessConfig {
  const token = revealed(given.operator.consul.token)
  const config = configOf({
    CONSUL_HTTP_ADDR: published.consul,
    CONSUL_HTTP_TOKEN: token,
    KONG_ADMIN_URL: published.kongAdmin,
    KONG_PROXY_URL: published.proxy,
    KONGSUL_ADDR: published.operator,
    KONGSUL_EXPOSE_DEFAULT: 'all',
  })
  const { operator } = config
  const kong = { ...operator.kong, snapshotDir: given.operator.kong.snapshotDir }
  return { ...config, operatorToken: given.operatorToken, operator: { ...operator, kong } }
}

/** `required: false` of depends_on came with it (https://docs.docker.com/reference/compose-file/services/#depends_on). */
const OLDEST_COMPOSE = [2, 20, 2] as const

/** @param told `2.29.7`, `v2.17.3`, `2.20.2-desktop.1`; what is no version is taken for new enough */
export function isOlderCompose(told: string): boolean {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(told)
  if (found === null) return false
  const differs = OLDEST_COMPOSE.findIndex((least, index) => Number(found[index + 1]) !== least)
  return differs !== -1 && Number(found[differs + 1]) < OLDEST_COMPOSE[differs]!
}

/** @returns what docker printed */
async function ask(args: readonly string[], fault: string, remedy: string): Promise<string> {
  try {
    return (await run('docker', args, { timeout: ASK_LIMIT_MS })).stdout.trim()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') {
      throw missing('docker is not installed', {
        remedy: 'install docker with its compose plugin, or give --target existing',
      })
    }
    throw missing(`${fault} (docker ${args[0]}: ${lastWords(error)})`, {
      remedy: `${remedy}, or give --target existing with Consul and Kong by URL`,
    })
  }
}

const missing = (answer: string, { remedy }: { remedy: string }): CliError =>
  new CliError('DOCKER_MISSING', { tried: 'using docker compose', answer, remedy })

/** The end of what a command said on standard error. */
function lastWords(error: unknown): string {
  const { stderr = '', message, killed } = error as { stderr?: string; message: string; killed?: boolean }
  if (killed) return 'it took too long and was ended'
  const lines = stderr.trim().split('\n').filter(Boolean)
  return lines.length === 0 ? message : lines.slice(-5).join(' | ').slice(0, 600)
}

// A real Prometheus on a free port, and promtool.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findPrometheus } from '../../operator/setup/prometheus-binary.ts'
import { freePorts } from './free-port.ts'
import { killChild } from './kill-child.ts'
import { waitFor } from './wait-for.ts'

export const PROMETHEUS_FILES = join(import.meta.dirname, '..', '..', 'kong', 'prometheus')

export interface TestPrometheus {
  /** Names of the alerts that fire now. */
  firing(): Promise<ReadonlySet<string>>
  /** Whether each target is up, by job and address. */
  targets(): Promise<ReadonlyMap<string, string>>
  /** Number of series that the expression has now. */
  count(expression: string): Promise<number>
  output(): string
  stop(): Promise<void>
}

export interface TestPrometheusOptions {
  /** Text of prometheus.yml; its `rule_files` name `mesh.rules.yml`. */
  readonly config: string
  readonly rules: string
}

export async function startPrometheus({ config, rules }: TestPrometheusOptions): Promise<TestPrometheus> {
  const binary = await findPrometheus('prometheus', { log: () => {} })
  const dir = mkdtempSync(join(tmpdir(), 'kongsul-prometheus-'))
  const [port] = (await freePorts(1)) as [number]
  const url = `http://127.0.0.1:${port}`
  writeFileSync(join(dir, 'prometheus.yml'), config)
  writeFileSync(join(dir, 'mesh.rules.yml'), rules)
  const child: ChildProcess = spawn(
    binary,
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk) => {
      printed += chunk
    })
  }
  const get = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { signal: AbortSignal.timeout(5_000) })
    return ((await answer.json()) as { data: T }).data
  }
  const ready = async () => (await fetch(`${url}/-/ready`)).ok
  await waitFor(ready, { pollMs: 50, what: 'Prometheus being ready' }).catch((error) => {
    throw new Error(`${(error as Error).message}: ${printed}`)
  })
  return {
    firing: async () => {
      const { alerts } = await get<{ alerts: { state: string; labels: { alertname: string } }[] }>('alerts')
      return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname))
    },
    targets: async () => {
      const { activeTargets } = await get<{
        activeTargets: { health: string; lastError: string; labels: { job: string }; scrapeUrl: string }[]
      }>('targets?state=active')
      return new Map(
        activeTargets.map(({ health, lastError, labels }) => [labels.job, `${health} ${lastError}`.trim()]),
      )
    },
    count: async (expression) => {
      const { result } = await get<{ result: unknown[] }>(`query?query=${encodeURIComponent(expression)}`)
      return result.length
    },
    output: () => printed,
    stop: async () => {
      await killChild(child)
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Runs promtool; throws with what it printed when it says no. */
export async function promtool(...args: readonly string[]): Promise<string> {
  const binary = await findPrometheus('promtool', { log: () => {} })
  try {
    const { stdout } = await promisify(execFile)(binary, args, { cwd: PROMETHEUS_FILES, timeout: 60_000 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`promtool ${args.join(' ')}: ${stdout}${stderr}`, { cause: error })
  }
}

/** Rules that look back over seconds where those of the mesh do over minutes, so that a fault is seen at once. */
export function quickRules(): string {
  return readFileSync(join(PROMETHEUS_FILES, 'mesh.rules.yml'), 'utf8')
    .replaceAll(/\[\d+[mh]\]/g, '[5s]')
    .replaceAll(/^( +)for: \w+$/gm, '$1for: 1s')
    .replaceAll('> 86400', '> 1')
    .replaceAll(/< (1209600|259200)/g, '< 1e12')
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const LAUNCHER = join(import.meta.dirname, '..', '..', 'operator', 'cli', 'kongsul.mjs')

/** The test's own, without colours, and without files in the home of whoever runs it. */
const environment = (env: Record<string, string>) => ({
  ...process.env,
  NO_COLOR: '1',
  KONGSUL_KONG_SNAPSHOT_DIR: 'off',
  ...env,
})

export interface KongsulProcess {
  readonly pid: number
  /** Everything it printed so far, both streams. */
  output(): string
  /** Sends `signal` and waits until the process is gone; answers its exit code, null when a signal ended it. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  readonly exited: Promise<number | null>
}

/** Starts `kongsul ...args` as a real process, with `env` over the test's environment. */
export function startKongsul(args: readonly string[], env: Record<string, string> = {}): KongsulProcess {
  const child: ChildProcess = spawn(process.execPath, [LAUNCHER, ...args], {
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  child.stdout!.on('data', (chunk) => (printed += chunk))
  child.stderr!.on('data', (chunk) => (printed += chunk))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return {
    pid: child.pid!,
    output: () => printed,
    exited,
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      return exited
    },
  }
}

/** Runs `kongsul ...args` to its end, with `input` on standard input. */
export async function runKongsul(
  args: readonly string[],
  env: Record<string, string> = {},
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    env: environment(env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  child.stdin.on('error', () => {}) // a command that does not read it may be gone
  child.stdin.end(input)
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

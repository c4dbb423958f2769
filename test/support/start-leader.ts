import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { waitFor } from './wait-for.ts'

export interface LeaderLine {
  readonly atMs: number
  readonly type: 'started' | 'changed' | 'claims' | 'woke' | 'stopped'
  readonly claims?: boolean
  readonly leading?: boolean
  readonly leader?: string | null
  readonly address?: string
}

export interface LeaderProcess {
  readonly id: string
  readonly address: string
  /** Everything it printed so far. */
  readonly lines: readonly LeaderLine[]
  /** Log lines, for the message of a failed assertion. */
  log(): string
  /** Whether it claims to be leader, by its last word. */
  claims(): boolean
  /** Whom it takes for the leader, by its last word. */
  leader(): string | null
  signal(name: NodeJS.Signals): void
  /** Sends `name` and waits until the process is gone. */
  end(name: NodeJS.Signals): Promise<void>
}

export interface LeaderOptions {
  readonly consul: string
  readonly id: string
  readonly mesh?: string
  readonly port?: number
  /** `own`: the address it listens at; `none`; or any other. */
  readonly advertise?: string
  /** Whether /healthz says if it may lead. */
  readonly headers?: boolean
}

/** Starts test/support/leader-process.ts. */
export async function startLeader(options: LeaderOptions): Promise<LeaderProcess> {
  const defaults = { mesh: 'default', port: 0, advertise: 'own', headers: true }
  const program = join(import.meta.dirname, 'leader-process.ts')
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', 'tsx', program, JSON.stringify({ ...defaults, ...options })],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const gone = once(child, 'exit')
  const lines: LeaderLine[] = []
  let log = ''
  child.stderr!.on('data', (chunk) => (log += chunk))
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line)))
  const last = (type: LeaderLine['type']) => lines.findLast((line) => line.type === type)
  const started = await waitFor(
    () => {
      if (child.exitCode !== null) throw new Error(log)
      return last('started')
    },
    { what: `leader process ${options.id} starting` },
  )
  return {
    id: options.id,
    address: started.address!,
    lines,
    log: () => log,
    claims: () => last('claims')?.claims === true,
    leader: () => last('changed')?.leader ?? null,
    signal: (name) => void child.kill(name),
    end: async (name) => {
      if (child.exitCode === null && child.signalCode === null) child.kill(name)
      await gone
    },
  }
}

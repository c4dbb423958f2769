import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { findRedis } from '../../operator/setup/redis-binary.ts'
import { freePorts } from './free-port.ts'
import { killChild } from './kill-child.ts'
import { waitFor } from './wait-for.ts'

export interface TestRedis {
  /** e.g. redis://127.0.0.1:39125, or rediss:// */
  readonly url: string
  readonly port: number
  /** One command of the test itself, as words. */
  command(...words: readonly string[]): Promise<unknown>
  /** SIGKILL; what it held is gone. */
  kill(): Promise<void>
  /** On the same port, empty. */
  start(): Promise<void>
  /** Stops answering and keeps its connections, until `resume`. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

export interface RedisOptions {
  readonly password?: string
  /** PEM files: then it listens with TLS only, and does not ask for client certificates. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca: string }
}

/** A real redis-server on a free port, in memory. */
export async function startRedis({ password, tls }: RedisOptions = {}): Promise<TestRedis> {
  const binary = await findRedis({ log: () => {} })
  const [port] = (await freePorts(1)) as [number]
  const dir = mkdtempSync(join(tmpdir(), 'kongsul-redis-'))
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  const url = `${tls === undefined ? 'redis' : 'rediss'}://${credentials}127.0.0.1:${port}`
  let child: ChildProcess | null = null
  let client: ReturnType<typeof newClient> | null = null

  const start = async () => {
    const listen =
      tls === undefined
        ? ['--port', port]
        : ['--port', 0, '--tls-port', port, '--tls-cert-file', tls.cert, '--tls-key-file', tls.key]
    const more = tls === undefined ? [] : ['--tls-ca-cert-file', tls.ca, '--tls-auth-clients', 'no']
    const args = [...listen, ...more, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir]
    const secured = password === undefined ? [] : ['--requirepass', password]
    child = spawn(binary, [...args, ...secured].map(String), { stdio: 'ignore' })
    const ready = async () => {
      const attempt = newClient(url)
      attempt.on('error', () => {}) // refused until it listens
      try {
        await attempt.connect()
        return attempt
      } catch (error) {
        attempt.destroy()
        throw error
      }
    }
    client = await waitFor(ready, { pollMs: 30, what: 'Redis being ready' })
  }
  const kill = async () => {
    client?.destroy()
    client = null
    await killChild(child)
  }

  await start()
  return {
    url,
    port,
    command: async (...words) => {
      if (client === null) throw new Error('Redis is not running')
      return await client.sendCommand(words)
    },
    kill,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    stop: async () => {
      child?.kill('SIGCONT')
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const newClient = (url: string) =>
  createClient({
    url,
    RESP: 2,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    socket: { reconnectStrategy: false, connectTimeout: 2000, rejectUnauthorized: false },
  })

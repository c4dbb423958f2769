import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface InstanceProcess {
  readonly name: string
  readonly port: number
  readonly pid: number
  /** Makes /health answer `status` from now on. */
  setHealth(status: number): Promise<void>
  /**
   * Makes everything but /health fail so from now on.
   * @returns how many such requests it got so far
   */
  behave(grey: GreyBehaviour): Promise<number>
  /** Sends `signal` and waits until the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** How an instance fails that its health check calls well. */
export interface GreyBehaviour {
  readonly status?: number
  /** Never an answer. */
  readonly hang?: boolean
  /** Only every so manieth request gets the status. Default 1: all. */
  readonly every?: number
  /** The answer comes so much later, ms. */
  readonly delayMs?: number
}

/** Where it runs: by default at 127.0.0.1 of this machine. */
export interface InstancePlace {
  readonly host?: string
  /** Words before the command that starts it, e.g. `ip netns exec NAME`. */
  readonly within?: readonly string[]
}

/** Starts a service instance as its own process on `port` (0: a free one). */
export async function startInstance(
  name: string,
  port = 0,
  { host = '127.0.0.1', within = [] }: InstancePlace = {},
): Promise<InstanceProcess> {
  const program = [process.execPath, join(import.meta.dirname, 'instance.mjs'), name, String(port), host]
  const [command, ...args] = [...within, ...program] as [string, ...string[]]
  const child: ChildProcess = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const announced = await Promise.race([
    once(child.stdout!, 'data').then(([chunk]) => Number(String(chunk))),
    gone.then(([code]) => {
      throw new Error(`instance ${name} on port ${port} exited with ${code} before it listened`)
    }),
  ])
  return {
    name,
    port: announced,
    pid: child.pid!,
    async setHealth(status) {
      await fetch(`http://${host}:${announced}/__health?status=${status}`)
    },
    async behave({ status = 200, hang = false, every = 1, delayMs = 0 }) {
      const query = `status=${status}&every=${every}&delay=${delayMs}${hang ? '&hang' : ''}`
      return Number(await (await fetch(`http://${host}:${announced}/__behave?${query}`)).text())
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      await gone
    },
  }
}

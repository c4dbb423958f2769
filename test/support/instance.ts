import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

export interface InstanceProcess {
  readonly name: string
  readonly port: number
  /** Makes /health answer `status` from now on. */
  setHealth(status: number): Promise<void>
  /**
   * Makes everything but /health answer `status`, or never answer, from now on.
   * @returns how many such requests it got so far
   */
  behave(grey: GreyBehaviour): Promise<number>
  /** Sends `signal` and waits until the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** How an instance fails that its health check calls well. */
export interface GreyBehaviour {
  readonly status?: number
  readonly hang?: boolean
}

/** Starts a service instance as its own process on `port` (0: a free one) of 127.0.0.1. */
export async function startInstance(name: string, port = 0): Promise<InstanceProcess> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'instance.mjs'), name, String(port)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
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
    async setHealth(status) {
      await fetch(`http://127.0.0.1:${announced}/__health?status=${status}`)
    },
    async behave({ status = 200, hang = false }) {
      const query = `status=${status}${hang ? '&hang' : ''}`
      return Number(await (await fetch(`http://127.0.0.1:${announced}/__behave?${query}`)).text())
    },
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      await gone
    },
  }
}

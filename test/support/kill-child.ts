import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** SIGKILL, no goodbye; resolves when the process is gone, at once where it is already, or never was. */
export async function killChild(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

// Cleans up after `up`, also when `up` is killed with -9: it runs Consul, which would not notice, takes the sample
// services out of a Consul that was there before and goes on, and removes the folder of the plugins' sockets.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import type { Command } from 'commander'
import type { ConsulConfig } from '../../sync/operator-config.ts'
import { exitWithParent } from './exit-with-parent.ts'

const KILL_AFTER_MS = 4_000
const TAIL_LINES = 40

/** What `up` tells its keeper. */
export type KeeperOrder =
  | { readonly order: 'run'; readonly binary: string; readonly args: readonly string[] }
  | { readonly order: 'remove'; readonly folder: string }
  | {
      readonly order: 'deregister'
      readonly serviceIds: readonly string[]
      /** With plain strings: it travels over the IPC channel, never over a command line. */
      readonly consul: ConsulConfig
    }

/** What the keeper tells `up`. */
export type KeeperReport =
  | { readonly report: 'running'; readonly pid: number }
  | { readonly report: 'exited'; readonly reason: string; readonly tail: readonly string[] }

/** Hidden command: takes orders over IPC, cleans up when told to stop or when the channel closes. */
export function defineKeeper(command: Command): void {
  command.action(() => keep())
}

async function keep(): Promise<void> {
  let consul: ChildProcess | null = null
  let deregistration: Extract<KeeperOrder, { order: 'deregister' }> | null = null
  const folders: string[] = []
  let stopping = false
  const report = (message: KeeperReport) => process.connected && process.send!(message)

  const stop = async () => {
    if (stopping) return
    stopping = true
    if (deregistration && !consul) await deregisterAll(deregistration)
    if (consul) await end(consul)
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    process.exit(0)
  }

  process.on('message', (message) => {
    const order = message as KeeperOrder
    if (order.order === 'deregister') deregistration = order
    else if (order.order === 'remove') folders.push(order.folder)
    else if (!consul) consul = run(order, report, () => stopping)
  })
  process.on('SIGTERM', () => void stop())
  process.on('SIGINT', () => void stop())
  exitWithParent(() => void stop())
}

function run(
  { binary, args }: Extract<KeeperOrder, { order: 'run' }>,
  report: (message: KeeperReport) => void,
  isStopping: () => boolean,
): ChildProcess {
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const tail: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      tail.push(...chunk.split('\n').filter((line) => line !== ''))
      tail.splice(0, tail.length - TAIL_LINES)
    })
  }
  const leave = (reason: string) => {
    if (isStopping()) return
    report({ report: 'exited', reason, tail })
    setImmediate(() => process.exit(1))
  }
  child.on('error', (error) => leave(error.message))
  child.on('close', (code, signal) => leave(signal ? `signal ${signal}` : `code ${code}`))
  if (child.pid !== undefined) report({ report: 'running', pid: child.pid })
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
  await gone
  clearTimeout(insist)
}

async function deregisterAll({
  consul,
  serviceIds,
}: Extract<KeeperOrder, { order: 'deregister' }>): Promise<void> {
  const { agentApi } = await import('../agent-api.ts')
  const agent = agentApi(consul)
  await Promise.allSettled(serviceIds.map((id) => agent.deregister(id)))
}

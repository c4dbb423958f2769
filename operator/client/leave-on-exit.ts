// A process that ends takes its instances out of Consul first, and is otherwise left as it is: handlers of the
// application run as ever, and a signal that nobody else handles ends the process as it would have.
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { PlainRequest } from './door.ts'

export interface Leaver {
  leave(): Promise<void>
  /** Sends what waits, as the last thing. */
  flush(): Promise<void>
  /** For when there is no time left; null when it has left. */
  readonly goodbye: () => PlainRequest | null
  readonly leaveDelayMs: number
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const
const GOODBYE_MS = 2_000
/** So that two copies of this file in one process do not take each other for the application. */
const OURS = Symbol.for('kongsul.client.leave')

const leavers = new Set<Leaver>()

/** @returns lets it be */
export function leaveOnExit(leaver: Leaver): () => void {
  if (leavers.size === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal)
    process.on('beforeExit', onIdle)
    process.on('exit', onExit)
  }
  leavers.add(leaver)
  return () => {
    leavers.delete(leaver)
    if (leavers.size === 0) letBe()
  }
}

function letBe(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal)
  process.off('beforeExit', onIdle)
  process.off('exit', onExit)
}

async function leaveAll(): Promise<void> {
  await Promise.allSettled([...leavers].map((leaver) => leaver.leave()))
}

/** Those who handle a signal themselves decide when the process ends. A second signal does what it would without us. */
const onSignal = Object.assign(
  async (signal: NodeJS.Signals): Promise<void> => {
    for (const each of SIGNALS) process.off(each, onSignal)
    const others = process.listeners(signal).filter((listener) => !(OURS in listener))
    const isHandled = others.length > passiveListeners()
    const delayMs = Math.max(0, ...[...leavers].map(({ leaveDelayMs }) => leaveDelayMs))
    await leaveAll()
    if (isHandled) return
    await delay(delayMs)
    await Promise.allSettled([...leavers].map((leaver) => leaver.flush()))
    process.kill(process.pid, signal)
  },
  { [OURS]: true },
)

/**
 * Listeners of the package signal-exit, which many packages bring along, leave the signal to others where there are any:
 * they do not count as somebody who handles it.
 */
function passiveListeners(): number {
  const emitters = [
    (process as { __signal_exit_emitter__?: unknown }).__signal_exit_emitter__,
    (globalThis as Record<symbol, unknown>)[Symbol.for('signal-exit emitter')],
  ]
  return emitters.reduce<number>((sum, each) => sum + (Number((each as { count?: number })?.count) || 0), 0)
}

/** Nothing is left to do: the process would end now. */
function onIdle(): void {
  process.off('beforeExit', onIdle)
  void leaveAll().then(() => Promise.allSettled([...leavers].map((leaver) => leaver.flush())))
}

/** process.exit(), or an error that nobody caught: there is no event loop any more. */
function onExit(): void {
  for (const { goodbye } of leavers) {
    const request = goodbye()
    if (request !== null) sayGoodbye(request)
  }
}

const SCRIPT = `const { workerData: { url, method, headers, done } } = require('node:worker_threads')
const end = () => { Atomics.store(done, 0, 1); Atomics.notify(done, 0) }
fetch(url, { method, headers }).then((answer) => answer.text()).then(end, end)`

/** Sent by a thread of its own, while this one waits: a process that is exiting can do nothing else. */
function sayGoodbye(request: PlainRequest): void {
  const done = new Int32Array(new SharedArrayBuffer(4))
  try {
    new Worker(SCRIPT, { eval: true, execArgv: [], env: {}, workerData: { ...request, done } })
    Atomics.wait(done, 0, 0, GOODBYE_MS)
  } catch {
    // No thread can be had any more: the instance turns unhealthy when it is silent.
  }
}

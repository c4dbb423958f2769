import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { programArguments } from '../package-root.ts'

const TAIL_LINES = 40
const KILL_AFTER_MS = 5_000

export interface ChildOptions {
  /** Name for messages: `gateway`, `web-1`. */
  readonly name: string
  /** Arguments of `kongsul`. */
  readonly args: readonly string[]
  /** Added to this process's environment. Secrets go here: other users can read a command line. */
  readonly env?: Readonly<Record<string, string>>
  /** Called with every line the child prints. */
  readonly onLine?: (line: string) => void
}

/** One kongsul process started by `up`. It has an IPC channel, so it ends when `up` does. */
export class Child {
  readonly name: string
  readonly #process: ChildProcess
  readonly #gone: Promise<unknown>
  readonly #tail: string[] = []
  #stopping = false

  constructor({ name, args, env, onLine }: ChildOptions) {
    this.name = name
    // Its own process group: Ctrl-C reaches only `up`, which stops the children in order.
    this.#process = spawn(process.execPath, [...programArguments(), ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, ...env },
    })
    this.#gone = once(this.#process, 'exit')
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      let rest = ''
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          this.#tail.push(line)
          if (this.#tail.length > TAIL_LINES) this.#tail.shift()
          onLine?.(line)
        }
      })
    }
  }

  get pid(): number {
    return this.#process.pid!
  }

  get hasExited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** The last lines it printed. */
  get tail(): readonly string[] {
    return this.#tail
  }

  /** `code 1` or `signal SIGKILL`. */
  get exitReason(): string {
    const { signalCode, exitCode } = this.#process
    return signalCode ? `signal ${signalCode}` : `code ${exitCode}`
  }

  /** Waits for its end: of a command that ends by itself. */
  async ended(): Promise<void> {
    await this.#gone
  }

  /** `listener` runs when the process ends without having been asked to. */
  onCrash(listener: () => void): void {
    this.#process.once('exit', () => {
      if (!this.#stopping) listener()
    })
  }

  onMessage(listener: (message: Record<string, unknown>) => void): void {
    this.#process.on('message', (message) => listener(message as Record<string, unknown>))
  }

  send(message: object): void {
    if (this.#process.connected) this.#process.send(message)
  }

  /** Kills it as a crash would: nobody asked it to stop. */
  async crash(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#gone
  }

  /** Asks it to stop, insists after five seconds, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#stopping = true
    if (this.hasExited) return
    this.#process.kill('SIGTERM')
    const insist = setTimeout(() => this.#process.kill('SIGKILL'), KILL_AFTER_MS)
    await this.#gone
    clearTimeout(insist)
  }
}

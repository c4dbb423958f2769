import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { feedToken } from '../../../plugins/outcomes/feed-token.ts'
import { FED_PLUGINS, kongEnvironment } from '../../../plugins/server/kong-environment.ts'
import type { ProcessConfig } from '../../config/load-config.ts'
import { environmentOf } from '../../config/setting.ts'
import { revealed } from '../../telemetry/secret.ts'
import type { Child } from './child.ts'
import type { UpPorts } from './plan-ports.ts'
import { waitUntil } from './wait-until.ts'

const RESTART_AFTER_MS = 1_000
const READY_WITHIN_MS = 30_000

export interface PluginsOptions {
  readonly config: ProcessConfig
  readonly ports: UpPorts
  readonly adminUrl: string
  readonly apiUrl: string
  /** Aborted when `up` stops: then nothing is started again. */
  readonly signal: AbortSignal
  /** One line about what happened to it. */
  readonly log: (line: string) => void
  /** Starts a process of kongsul. */
  readonly start: (name: string, args: readonly string[], env: Readonly<Record<string, string>>) => Child
}

/** `kongsul plugins` of `up`, with a folder of its own for the sockets. When it ends it is started again. */
export class PluginsProcess {
  /** Private to this user, as temporary folders are made; removed by `stop`. */
  readonly folder = mkdtempSync(join(tmpdir(), 'kongsul-up-'))
  readonly #options: PluginsOptions
  readonly #feedToken: string
  readonly #lineToken: string
  #child: Child | null = null
  #restart: NodeJS.Timeout | undefined

  constructor(options: PluginsOptions) {
    const { operator, plugins } = options.config
    this.#options = options
    this.#feedToken = revealed(operator.feedToken) ?? randomBytes(24).toString('base64url')
    this.#lineToken = feedToken(plugins.lineToken)
  }

  /** For the gateway. It asks at its start what the plugins are: by then this has to run. */
  get kongEnv(): Readonly<Record<string, string>> {
    const feed = { host: '127.0.0.1', port: this.#options.ports.feed }
    return kongEnvironment({ socketDir: this.folder, lineToken: this.#lineToken, feed })
  }

  /** For the operator, which lets in who has the token. */
  get operatorEnv(): Readonly<Record<string, string>> {
    return { [environmentOf('feed.token')]: this.#feedToken }
  }

  /** Answers when it can be called. @throws Error with what it printed when it ends before */
  async start(): Promise<string> {
    const child = this.#launch()
    const url = `http://127.0.0.1:${this.#options.ports.plugins}`
    const isReady = waitUntil(async () => (await fetch(`${url}/healthz`)).ok, {
      deadlineMs: READY_WITHIN_MS,
      what: 'a process of the plugins works',
      signal: this.#options.signal,
    })
    const ended = new Promise<never>((_resolve, reject) => {
      child.onCrash(() => reject(new Error(`the plugins ended with ${whyOf(child)}`)))
    })
    await Promise.race([isReady, ended])
    this.#keepUp(child)
    return `pid ${child.pid}, ${FED_PLUGINS.join(', ')}, metrics ${url}/metrics`
  }

  async stop(): Promise<void> {
    clearTimeout(this.#restart)
    await this.#child?.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #launch(): Child {
    const { ports, adminUrl, apiUrl, start } = this.#options
    const child = start('plugins', ['plugins', '--socket-dir', this.folder], {
      ...this.operatorEnv,
      [environmentOf('feed.lineToken')]: this.#lineToken,
      [environmentOf('feed.host')]: '127.0.0.1',
      [environmentOf('port.feed')]: String(ports.feed),
      [environmentOf('port.plugins')]: String(ports.plugins),
      [environmentOf('plugins.operators')]: apiUrl,
      [environmentOf('kong.adminUrl')]: adminUrl,
    })
    this.#child = child
    return child
  }

  #keepUp(child: Child): void {
    child.onCrash(() => {
      const { log, signal } = this.#options
      log(
        `the plugins ended (${whyOf(child)}): requests go on without them; ` +
          `they are started again in ${RESTART_AFTER_MS / 1000} s`,
      )
      this.#restart = setTimeout(() => {
        if (signal.aborted) return
        const next = this.#launch()
        log(`the plugins are started again, pid ${next.pid}`)
        this.#keepUp(next)
      }, RESTART_AFTER_MS)
    })
  }
}

/** A signal says enough; who ends with a code has printed why. */
function whyOf(child: Child): string {
  const said = child.exitReason.startsWith('signal') ? undefined : child.tail.at(-1)
  return said === undefined ? child.exitReason : `${child.exitReason}: ${said}`
}

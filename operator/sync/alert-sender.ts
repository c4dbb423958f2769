// Alerts to Alertmanager, or whatever takes the same. The leader alone sends: who becomes leader tells all that fires.
import { setTimeout as delay } from 'node:timers/promises'
import { createPoster, type Poster } from '../../plugins/export/post.ts'
import { type Backoff, backoffMs } from '../../plugins/export/retry-delay.ts'
import type { Alert } from '../alerts/alert-state.ts'
import { type Posting, postedAlerts } from '../alerts/alertmanager.ts'
import type { TlsConfig } from '../secrets/tls-options.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { revealed, type Secret } from '../telemetry/secret.ts'

export interface AlertSenderOptions {
  /** Of Alertmanager, without the path of its API. */
  readonly urls: readonly string[]
  readonly token?: Secret | string | undefined
  readonly tls?: TlsConfig | undefined
  readonly mesh: string
  /** Where the operator's API is. */
  readonly apiUrl: () => string
  readonly isActive: () => boolean
  readonly metrics: Pick<Metrics, 'alertNotifications'>
  readonly log: Logger
  /** Where the pages of the runbook are; in the repository when not given. */
  readonly runbook?: string | undefined
  readonly resendMs?: number
  readonly timeoutMs?: number
  readonly backoff?: Backoff
}

/** One of those who are told. Each has its own pace: one that hangs holds up no other. */
interface Receiver {
  readonly url: string
  readonly poster: Poster
  isDue: boolean
  isSending: boolean
}

const RESEND_MS = 60_000
const TIMEOUT_MS = 5_000
/** After these the next round tries again. */
const TRIES = 4
const BACKOFF = { baseMs: 250, maxMs: 4_000 } as const
/** What is over is told for so long: who was away for a while hears of it. */
const TELL_RESOLVED_MS = 15 * 60_000
/** An Alertmanager that hears nothing for so many rounds takes an alert for over. */
const LASTS_ROUNDS = 4

export class AlertSender {
  readonly #options: AlertSenderOptions
  readonly #receivers: readonly Receiver[]
  readonly #ending = new AbortController()
  /** Resolved ones that are still told, by id and severity. */
  readonly #over = new Map<string, Alert>()
  #firing: readonly Alert[] = []
  #sentMs = Number.NEGATIVE_INFINITY
  #wasActive = false

  /** @throws TypeError for what is no URL */
  constructor(options: AlertSenderOptions) {
    this.#options = options
    this.#receivers = options.urls.map((base) => {
      const url = `${base.replace(/\/+$/, '')}/api/v2/alerts`
      return {
        url,
        poster: createPoster(url, { tls: options.tls, prefix: 'alerts' }),
        isDue: false,
        isSending: false,
      }
    })
  }

  /**
   * Called with every look at the alerts; sends when something changed, and what fires once a round.
   * @param firing that are not silenced
   * @param over that have ended with this look, or fire with another severity now
   */
  update(firing: readonly Alert[], over: readonly Alert[], nowMs: number): void {
    if (this.#receivers.length === 0) return
    const isActive = this.#options.isActive()
    const before = new Set(this.#firing.map(keyOf))
    const isNews = firing.some((alert) => !before.has(keyOf(alert))) || over.length > 0
    this.#firing = firing
    for (const alert of over)
      this.#over.set(keyOf(alert), { ...alert, resolvedMs: alert.resolvedMs ?? nowMs })
    for (const alert of firing) this.#over.delete(keyOf(alert))
    for (const [key, { resolvedMs }] of this.#over) {
      if (nowMs - (resolvedMs ?? 0) > TELL_RESOLVED_MS) this.#over.delete(key)
    }
    const isRound = nowMs - this.#sentMs >= this.#resendMs && firing.length + this.#over.size > 0
    const isDue = isNews || isRound || (isActive && !this.#wasActive && firing.length > 0)
    this.#wasActive = isActive
    for (const receiver of this.#receivers) {
      if (isDue) receiver.isDue = true
      if (receiver.isDue && isActive && !receiver.isSending) void this.#send(receiver)
    }
  }

  stop(): void {
    this.#ending.abort()
    for (const { poster } of this.#receivers) poster.close()
  }

  get #resendMs(): number {
    return this.#options.resendMs ?? RESEND_MS
  }

  async #send(receiver: Receiver): Promise<void> {
    receiver.isSending = true
    while (receiver.isDue && this.#options.isActive() && !this.#ending.signal.aborted) {
      receiver.isDue = false
      const nowMs = Date.now()
      this.#sentMs = nowMs
      const posting: Posting = {
        mesh: this.#options.mesh,
        url: this.#options.apiUrl(),
        nowMs,
        lastsMs: this.#resendMs * LASTS_ROUNDS,
        runbook: this.#options.runbook,
      }
      const body = JSON.stringify(postedAlerts([...this.#firing, ...this.#over.values()], posting))
      if (body !== '[]') await this.#post(receiver, body)
    }
    receiver.isSending = false
  }

  #headers(): Record<string, string> {
    const token = revealed(this.#options.token)
    return {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    }
  }

  /** What is due meanwhile is sent after this, with the newest of everything. */
  async #post({ url, poster }: Receiver, body: string): Promise<void> {
    const { metrics, log, timeoutMs = TIMEOUT_MS, backoff = BACKOFF } = this.#options
    const { signal } = this.#ending
    let reason = ''
    for (let attempt = 0; attempt < TRIES && !signal.aborted; attempt++) {
      if (attempt > 0) {
        const waitMs = backoffMs(attempt - 1, backoff, Math.random())
        await delay(waitMs, undefined, { signal, ref: false }).catch(() => {})
      }
      try {
        const { status } = await poster.post({ body, headers: this.#headers(), timeoutMs, signal })
        if (status >= 200 && status <= 299) {
          metrics.alertNotifications.inc({ result: 'sent' })
          return
        }
        reason = `answered ${status}`
        // What it does not understand it will not understand the next time.
        if (status < 500 && status !== 429) break
      } catch (error) {
        reason = (error as Error).message
      }
    }
    if (signal.aborted) return
    metrics.alertNotifications.inc({ result: 'failed' })
    log.warn('alerts do not arrive', { code: 'ALERTS_NOT_SENT', url, reason })
  }
}

const keyOf = ({ id, severity, firedMs }: Alert): string => `${id} ${severity} ${firedMs}`

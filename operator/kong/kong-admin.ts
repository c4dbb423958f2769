import http from 'node:http'
import type https from 'node:https'
import type { Json } from '../core/entity.ts'
import type { JsonObject } from '../core/kong-json.ts'
import { tlsAgent } from '../secrets/tls-agent.ts'
import type { KongConfig } from '../sync/operator-config.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { revealed } from '../telemetry/secret.ts'
import { type AdminAnswer, NoAnswer, sendToAdmin } from './admin-transport.ts'
import { adminUrls } from './admin-urls.ts'
import { connectionError, KongError, kongError } from './kong-error.ts'
import { Limiter } from './limiter.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Kong's biggest page. */
const PAGE_SIZE = 1000

/**
 * One Kong's Admin API, through one of its nodes. Calls wait for their turn (`parallel` at a time, whoever calls), have a timeout, and throw
 * KongError for everything but an answer below 400. Trying again is the caller's business.
 */
export class KongAdmin {
  readonly #token: Pick<KongConfig, 'token' | 'tokenHeader'>
  readonly #timeoutMs: number
  readonly #limiter: Limiter
  readonly #metrics: Pick<Metrics, 'kongRequests'>
  readonly #agents: Agents
  /** For what a kept connection lost: the next kept one may be as dead. */
  readonly #freshAgents: Agents
  #url: string
  readonly #refusal: () => string | null

  /** @param refusal why nothing may be written at the moment, asked right before each write is sent */
  constructor(
    config: KongConfig,
    metrics: Pick<Metrics, 'kongRequests'>,
    refusal: () => string | null = () => null,
  ) {
    this.#refusal = refusal
    this.#url = adminUrls(config)[0]
    this.#metrics = metrics
    this.#limiter = new Limiter(config.parallel)
    this.#agents = agentsFor(config, true)
    this.#freshAgents = agentsFor(config, false)
    this.#token = config
    this.#timeoutMs = config.timeoutMs
  }

  /** Where calls go. */
  get url(): string {
    return this.#url
  }

  /** Calls go to another node of the same Kong from now on. */
  use(url: string): void {
    this.#url = url
  }

  /**
   * One call; `path` as its segments, which are escaped here (a target's `[::1]:80`, a name in UTF-8). A colon may stand in a
   * path, and has to: Kong does not unescape the address of a health mark, and answers 500.
   * @returns the parsed answer; null for an empty one.
   * @throws KongError
   */
  async call(
    method: Method,
    path: readonly string[],
    body?: unknown,
    query = '',
  ): Promise<JsonObject | null> {
    const target = `/${path.map((each) => encodeURIComponent(each).replaceAll('%3A', ':')).join('/')}${query}`
    return await this.#limiter.run(() => this.#send(method, target, body))
  }

  /** All rows of a collection, page by page. @param query more of it, such as `tags=a` */
  async list(path: readonly string[], query = ''): Promise<JsonObject[]> {
    const more = query === '' ? '' : `&${query}`
    const rows: JsonObject[] = []
    let offset: Json | undefined
    do {
      const from = typeof offset === 'string' ? `&offset=${encodeURIComponent(offset)}` : ''
      const page = await this.call('GET', path, undefined, `?size=${PAGE_SIZE}${more}${from}`)
      // An empty list may be `{}` in Lua's JSON.
      if (Array.isArray(page?.data)) rows.push(...(page.data as JsonObject[]))
      offset = page?.offset
    } while (typeof offset === 'string')
    return rows
  }

  close(): void {
    for (const { httpAgent, httpsAgent } of [this.#agents, this.#freshAgents]) {
      httpAgent.destroy()
      httpsAgent.destroy()
    }
  }

  async #send(method: Method, path: string, body: unknown): Promise<JsonObject | null> {
    // Asking whether something fits a schema writes nothing.
    const isWrite = method !== 'GET' && !path.startsWith('/schemas/')
    const refusal = isWrite ? this.#refusal() : null
    if (refusal !== null) {
      throw new KongError('NOT_LEADER', { method, path, status: 0 }, `was not sent: ${refusal}`)
    }
    const response = await this.#receive(method, path, body)
    const parsed = parse(response.text)
    const outcome = response.status < 400 ? 'ok' : 'refused'
    this.#metrics.kongRequests.inc({ method, outcome })
    if (outcome === 'refused') throw kongError(method, path, response.status, parsed)
    return (parsed ?? null) as JsonObject | null
  }

  #headers(): http.OutgoingHttpHeaders {
    const { token, tokenHeader } = this.#token
    const shown = revealed(token)
    return shown === undefined ? {} : { [tokenHeader || 'Kong-Admin-Token']: shown }
  }

  async #receive(method: Method, path: string, body: unknown): Promise<AdminAnswer> {
    const url = `${this.#url}${path}`
    const send = ({ httpAgent, httpsAgent }: Agents) =>
      sendToAdmin({
        method,
        url,
        headers: this.#headers(),
        body: body === undefined ? undefined : JSON.stringify(body),
        agent: url.startsWith('https:') ? httpsAgent : httpAgent,
        timeoutMs: this.#timeoutMs,
      })
    try {
      return await send(this.#agents).catch((error: unknown) => {
        // Kong closed a kept connection while the request was on its way. Every call of ours may be sent twice.
        if (!wasClosedWhileIdle(error)) throw error
        return send(this.#freshAgents)
      })
    } catch (error) {
      this.#metrics.kongRequests.inc({ method, outcome: 'failed' })
      throw connectionError(method, path, error)
    }
  }
}

interface Agents {
  readonly httpAgent: http.Agent
  readonly httpsAgent: https.Agent
}

function agentsFor({ parallel, tls }: KongConfig, keepAlive: boolean): Agents {
  const options = { keepAlive, maxSockets: parallel, maxFreeSockets: parallel }
  return { httpAgent: new http.Agent(options), httpsAgent: tlsAgent(options, tls, 'kong') }
}

const wasClosedWhileIdle = (error: unknown): boolean =>
  error instanceof NoAnswer && error.wasKept && (error.code === 'ECONNRESET' || error.code === 'EPIPE')

function parse(text: string): Json | undefined {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    // nginx answers some errors itself, in HTML: the text is all there is.
    return text
  }
}

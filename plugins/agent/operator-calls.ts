import { Agent } from 'node:http'
import type { Agent as HttpsAgent } from 'node:https'
import axios, { type AxiosInstance } from 'axios'
import { tlsAgent } from '../../operator/secrets/tls-agent.ts'
import type { TlsConfig } from '../../operator/secrets/tls-options.ts'
import { revealed, type Secret } from '../../operator/telemetry/secret.ts'

export interface CallOptions {
  readonly body?: unknown
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** The operator answered, and refused. */
export class OperatorRefusal extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.name = 'OperatorRefusal'
    this.status = status
  }
}

const TIMEOUT_MS = 3_000

/** Calls to the `/internal` part of one operator's API, over kept connections. */
export class OperatorCalls {
  readonly url: string
  readonly #http: AxiosInstance
  readonly #agents: readonly [Agent, HttpsAgent]
  readonly #token: Secret | string

  /**
   * @param token KONGSUL_FEED_TOKEN; '' where there is none, then the operator lets in only its own machine
   * @param version of this process, told in a header: an operator of an older version looks past it
   */
  constructor(url: string, token: Secret | string, version: string, tls?: TlsConfig) {
    this.url = url
    this.#token = token
    this.#agents = [new Agent({ keepAlive: true }), tlsAgent({ keepAlive: true }, tls, 'operators')]
    this.#http = axios.create({
      baseURL: url,
      proxy: false,
      maxRedirects: 0,
      maxContentLength: 256 * 2 ** 20,
      validateStatus: () => true,
      headers: { 'x-kongsul-version': version },
      httpAgent: this.#agents[0],
      httpsAgent: this.#agents[1],
    })
  }

  /** @throws OperatorRefusal for a status above 299, Error when no answer came. */
  async call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { body, timeoutMs = TIMEOUT_MS, signal }: CallOptions = {},
  ): Promise<unknown> {
    const token = revealed(this.#token)
    const { status, data } = await this.#http.request({
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      url: path,
      timeout: timeoutMs,
      ...(body === undefined ? {} : { data: body }),
      ...(signal === undefined ? {} : { signal }),
    })
    if (status >= 200 && status <= 299) return data
    const said = (data as { error?: { message?: string } } | undefined)?.error?.message ?? ''
    throw new OperatorRefusal(
      `${method} ${this.url}${path.split('?')[0]} answered ${status}: ${said}`,
      status,
    )
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy()
  }
}

import { setTimeout as delay } from 'node:timers/promises'
import { createRandomSource } from '../../plugins/propagation/ids.ts'
import { RequestError } from '../http/request-error.ts'
import { decodeBody } from './answer-body.ts'
import { encodeBody, headersToSend } from './call-request.ts'
import type { OutcomeWaiters } from './outcome-waiters.ts'
import { type ProxyAnswer, type ProxyClient, ProxyFailure, type ProxyRequest } from './proxy-client.ts'
import { type Failure, mayRetry, retryDelayMs } from './retry.ts'
import { type CallTrace, traceOf } from './trace-of.ts'

export interface Call {
  readonly service_name: string
  readonly method?: string | undefined
  readonly path?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: unknown
  /** Seconds. */
  readonly timeout?: number | undefined
  readonly retry_count?: number | undefined
}

export interface Called {
  readonly status_code: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: unknown
  readonly body_encoding?: 'base64'
  readonly instance_id: string | null
  readonly trace_id: string
  /** Seconds until the proxy had answered. */
  readonly duration: number
}

export interface CallerOptions {
  readonly proxy: ProxyClient
  readonly waiters: OutcomeWaiters
  /** The service's host route. @throws RequestError 404, 503 */
  readonly hostOf: (service: string) => string
  /** Consul id of the instance at `host:port`; null for none. */
  readonly instanceAt: (serviceId: string | null, target: string) => string | null
  /** From 0 to 1. */
  readonly unit?: () => number
}

const DEFAULT_TIMEOUT_SECONDS = 30
const DEFAULT_RETRIES = 3
/** Outcomes arrive within some 20 ms. */
const NAME_WITHIN_MS = 100
const MOST_UNDER_WAY = 500

/** Calls services of the mesh through Kong's proxy, so that its balancing, breaker and policies apply. */
export class Caller {
  readonly #options: CallerOptions
  readonly #random = createRandomSource()
  #underWay = 0

  constructor(options: CallerOptions) {
    this.#options = options
  }

  /** @param gone aborts when the caller has left. @throws RequestError 404, 502, 503, 504 */
  async call(call: Call, gone: AbortSignal): Promise<Called> {
    if (this.#underWay >= MOST_UNDER_WAY) {
      throw new RequestError(503, `${MOST_UNDER_WAY} calls are under way`, [], { 'retry-after': '1' })
    }
    const host = this.#options.hostOf(call.service_name)
    const trace = traceOf(headersToSend(call.headers ?? {}), this.#random)
    const startedMs = performance.now()
    const end = this.#options.waiters.begin()
    this.#underWay++
    try {
      const answer = await this.#answerOf(call, host, trace, gone)
      const duration = Math.round(performance.now() - startedMs) / 1000
      return {
        status_code: answer.status,
        headers: answer.headers,
        ...decodeBody(answer.bytes, String(answer.headers['content-type'] ?? '')),
        instance_id: await this.#instanceOf(answer, trace),
        trace_id: trace.traceId,
        duration,
      }
    } finally {
      this.#underWay--
      end()
    }
  }

  async #answerOf(call: Call, host: string, trace: CallTrace, gone: AbortSignal): Promise<ProxyAnswer> {
    const {
      method = 'GET',
      path = '/',
      timeout = DEFAULT_TIMEOUT_SECONDS,
      retry_count = DEFAULT_RETRIES,
    } = call
    const request = { method, host, path, ...encodeBody(call.body, trace.headers) }
    const late = new AbortController()
    const endMs = performance.now() + timeout * 1000
    const timer = setTimeout(
      () => late.abort(new RequestError(504, `no answer within ${timeout} s`)),
      timeout * 1000,
    )
    const signal = AbortSignal.any([late.signal, gone])
    try {
      for (let retry = 1; ; retry++) {
        const result = await this.#try(request, signal)
        const failure = failureIn(result)
        const delayMs = retryDelayMs(retry, (this.#options.unit ?? Math.random)())
        const isLast = retry > retry_count || performance.now() + delayMs >= endMs
        if (failure === null || isLast || !mayRetry(method, failure))
          return answered(result, call.service_name)
        await delay(delayMs, undefined, { signal }).catch(() => {}) // ends early when nobody waits any more
        if (signal.aborted) throw signal.reason
      }
    } finally {
      clearTimeout(timer)
    }
  }

  async #try(request: ProxyRequest, signal: AbortSignal): Promise<ProxyAnswer | ProxyFailure> {
    try {
      return await this.#options.proxy.send(request, signal)
    } catch (error) {
      if (error instanceof ProxyFailure) return error
      throw error
    }
  }

  async #instanceOf({ headers }: ProxyAnswer, { traceId, spanId }: CallTrace): Promise<string | null> {
    const told = headers['x-kong-request-id']
    const requestId = typeof told === 'string' ? told : null
    const outcome = await this.#options.waiters.wait({ requestId, traceId, spanId }, NAME_WITHIN_MS)
    const target = outcome?.instances.at(-1)
    return outcome === null || target === undefined
      ? null
      : this.#options.instanceAt(outcome.serviceId, target)
  }
}

/** null for an answer that there is no fault in. */
function failureIn(result: ProxyAnswer | ProxyFailure): Failure | null {
  if (result instanceof ProxyFailure) return result.kind === 'too large' ? null : result.kind
  // Kong asked nobody: as good as not having been reached.
  if (refusalIn(result) !== null) return 'connect'
  return result.status >= 500 ? { status: result.status } : null
}

function answered(result: ProxyAnswer | ProxyFailure, service: string): ProxyAnswer {
  if (result instanceof ProxyFailure) throw new RequestError(502, `the proxy: ${result.message}`)
  const refusal = refusalIn(result)
  if (refusal !== null) throw new RequestError(503, `${service}: ${refusal}`)
  return result
}

/** What Kong itself says where it has nobody to ask, or does not know the route yet. */
function refusalIn({ status, headers, bytes }: ProxyAnswer): string | null {
  if ('x-kong-upstream-latency' in headers || 'via' in headers || bytes.length > 1_000) return null
  const text = bytes.toString()
  if (status === 503 && text.includes('failure to get a peer')) return 'no instance can be asked'
  if (status === 404 && text.includes('no Route matched')) return 'its route is not live in Kong yet'
  return null
}

// What a refused client gets. Pure.
import type { BreakerSettings } from '../breaker/settings-defaults.ts'
import { SPAN_HEADER, traceparentIn } from '../outcomes/mesh-headers.ts'
import type { HeaderMap } from '../server/form/pdk-calls.ts'

/** Parts of the answer that people may set; null: as it is built in. */
export type RefusalSettings = BreakerSettings['refusal']

export interface RefusalFacts {
  /** Consul's name of the service; its id in Kong while that is not known. */
  readonly service: string
  /** State of the circuit: open, half_open, forced_open; ejected when every instance is out. */
  readonly state: string
  /** Whole seconds, at least 1. */
  readonly retryAfterSeconds: number
  /** Headers of the request. */
  readonly headers: HeaderMap
}

/** The answer in place of the upstream's. */
export interface Refusal {
  readonly status: number
  readonly body: string
  readonly headers: HeaderMap
}

/** gRPC's UNAVAILABLE: clients may try again. https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const GRPC_UNAVAILABLE = '14'

/**
 * 503 with `Retry-After` (RFC 9110, 10.2.3), never to be stored. A gRPC client gets HTTP 200 and its status in the
 * headers, as gRPC's Trailers-Only answers have it; one that speaks gRPC-Web takes no answer of another type than its own.
 */
export function refusalOf(settings: RefusalSettings, facts: RefusalFacts): Refusal {
  const { service, state, retryAfterSeconds } = facts
  const why = WHY[state] ?? 'its circuit is open'
  const message = `${service} gets no requests: ${why}. Try again in ${retryAfterSeconds} s.`
  const always = { 'Retry-After': String(retryAfterSeconds), 'Cache-Control': 'no-store' }
  const asked = one(facts.headers, 'content-type')
  if (asked.startsWith('application/grpc')) {
    return {
      status: 200,
      body: '',
      headers: {
        'Content-Type': /^application\/grpc-web[-+.\w]*/.exec(asked)?.[0] ?? 'application/grpc',
        'grpc-status': GRPC_UNAVAILABLE,
        'grpc-message': encodeURIComponent(message).replaceAll('%20', ' '),
        ...always,
        ...settings.headers,
      },
    }
  }
  const answer = {
    code: 'CIRCUIT_OPEN',
    message,
    service,
    state,
    retry_after: retryAfterSeconds,
    trace_id: traceIdIn(facts.headers),
  }
  return {
    status: settings.status ?? 503,
    body: settings.body ?? JSON.stringify(answer),
    headers: { 'Content-Type': 'application/json; charset=utf-8', ...always, ...settings.headers },
  }
}

const WHY: Readonly<Record<string, string>> = {
  half_open: 'a few trials decide whether its circuit closes',
  forced_open: 'its circuit was opened by hand',
  ejected: 'every instance of it is ejected',
}

function one(headers: HeaderMap, name: string): string {
  const value = headers[name] ?? ''
  return typeof value === 'string' ? value : (value[0] ?? '')
}

/** The trace that the gateway's span is in, by its own word where the traceparent is not ours; null: mesh-tracing does not run. */
function traceIdIn(headers: HeaderMap): string | null {
  const told = traceparentIn(one(headers, SPAN_HEADER.toLowerCase())) ?? one(headers, 'traceparent')
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(told)?.[1] ?? null
}

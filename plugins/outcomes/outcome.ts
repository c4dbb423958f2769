// What became of one request, whichever way it was learned: from a line of Kong's access log (parse-line.ts) or from
// kong.log.serialize (from-serialize.ts). Circuits, spans and counters are fed from it, and operators get it as it is.

/** One request. Times are in ms, wall clock where they are points in time. */
export interface Outcome {
  /** Kong's own id of the request. */
  readonly requestId: string
  readonly traceId: string | null
  /** The gateway's SERVER span, the one that the trace headers sent on name. Null without mesh-tracing. */
  readonly spanId: string | null
  /** The caller's span; null when the trace begins here, or without mesh-tracing. */
  readonly parentSpanId: string | null
  readonly sampled: boolean
  readonly startedAtMs: number
  readonly durationMs: number
  /** From the last try's start until the first byte of its answer; null when nothing was answered. */
  readonly ttfbMs: number | null
  readonly method: string
  /** As the client sent it, without the query; at most 1,024 characters. */
  readonly path: string
  readonly host: string
  readonly scheme: string
  /** `1.1`, `2.0`; empty for what was no HTTP request. */
  readonly protocol: string
  readonly status: number
  /** `exit`: Kong or a plugin answered without asking an instance. */
  readonly source: 'upstream' | 'exit' | 'client_abort'
  readonly grpcStatus: number | null
  /** Ids of Kong's entities; null where the request was not ours. */
  readonly serviceId: string | null
  readonly routeId: string | null
  readonly clientAddress: string
  readonly userAgent: string | null
  readonly bytesIn: number
  readonly bytesOut: number
  /** In order; empty when no instance was asked. */
  readonly tries: readonly Try[]
}

/** One attempt at an instance. */
export interface Try {
  /** `ip:port` as Kong names targets, IPv6 in long form, or `host:port` where it is registered so; or `unix:/path`. */
  readonly instance: string
  /** `ip:port` that was asked, where the instance is registered by a host name. */
  readonly address?: string
  /**
   * What the instance answered; 499 when the client left before. `connect_error`: no connection, or no TLS on it.
   * `timeout`: no connection or no answer in time. A connection that ends before an answer is the 502 nginx makes of it.
   */
  readonly status: number | 'connect_error' | 'timeout'
  readonly connectMs: number | null
  /** From the try's start. */
  readonly ttfbMs: number | null
  readonly ms: number | null
  /** From the request's start, as far as it is known. */
  readonly startedAfterMs: number | null
}

export const SOURCES = ['upstream', 'exit', 'client_abort'] as const satisfies readonly Outcome['source'][]

/** Texts of clients are bounded: outcomes wait in queues. */
export const MAX_PATH_CHARS = 1_024
export const MAX_USER_AGENT_CHARS = 256

/** nginx's status for a client that went away. */
export const CLIENT_CLOSED = 499

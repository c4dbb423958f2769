import { METHODS, type Method } from '../rpc/request.ts'

/** Upper bounds of the latency buckets, in seconds. */
export const LATENCY_BUCKETS_S = [
  0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
] as const

/** What can go wrong with a request; each is a label value. */
export const RPC_ERRORS = [
  'handler_threw',
  'handler_late',
  'unknown_instance',
  'unknown_event',
  'unknown_method',
  'bad_request',
  'event_expired',
  'event_evicted',
  'late_reply',
  'not_msgpack',
  'too_large',
  'slow_peer',
] as const
export type RpcErrorKind = (typeof RPC_ERRORS)[number]

/** Latencies of one method. */
export class LatencyCounts {
  /** One more than there are bounds: what is above them all. */
  readonly counts = new Float64Array(LATENCY_BUCKETS_S.length + 1)
  sumSeconds = 0

  record(ms: number): void {
    const seconds = ms / 1_000
    this.sumSeconds += seconds
    let at = 0
    while (at < LATENCY_BUCKETS_S.length && seconds > LATENCY_BUCKETS_S[at]!) at++
    this.counts[at]!++
  }
}

/** Counts of one plugin, kept as plain numbers: a labelled counter of prom-client costs more than answering Kong. */
export class RpcStats {
  readonly latencies: Readonly<Record<Method, LatencyCounts>>
  readonly errors: Record<RpcErrorKind, number>
  connections = 0

  constructor() {
    this.latencies = Object.fromEntries(METHODS.map((method) => [method, new LatencyCounts()])) as Record<
      Method,
      LatencyCounts
    >
    this.errors = Object.fromEntries(RPC_ERRORS.map((kind) => [kind, 0])) as Record<RpcErrorKind, number>
  }
}

import type { ToldOutcome } from '../../../operator/metrics/told-outcome.ts'

/** An outcome of the Kong service `id of web`, answered by one instance with this status. */
export function outcomeOf(over: Partial<ToldOutcome> = {}): ToldOutcome {
  const { status = 200, durationMs = 10, tries } = over
  const tried = tries ?? [{ instance: '10.0.0.1:80', status, ms: durationMs }]
  return {
    serviceId: 'id of web',
    status,
    tries: tried,
    instances: tried.map(({ instance }) => instance),
    durationMs,
    requestId: 'r1',
    traceId: 'a'.repeat(32),
    spanId: null,
    parentSpanId: null,
    startedAtMs: 1_700_000_000_000,
    method: 'GET',
    path: '/',
    host: 'web.mesh',
    source: 'upstream',
    grpcStatus: null,
    ...over,
  }
}

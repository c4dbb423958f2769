import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../plugins/outcomes/outcome.ts'

/** Token in the recorded lines. */
export const RECORDED_TOKEN = '0123456789abcdef'

interface Recorded {
  /** The datagram. */
  readonly line: string
  /** kong.log.serialize of the same request. */
  readonly serialized: unknown
}

/** Requests through a Kong 3.9.1, by what happened. */
export const RECORDED: Readonly<Record<string, Recorded>> = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'outcomes', 'kong-3.9.json'), 'utf8'),
)

/** An outcome of the mesh: one try, answered with 200. */
export function anOutcome(changed: Partial<Outcome> = {}): Outcome {
  return {
    requestId: 'ccbcb771eb7db91eeadfb973046e2d5f',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: '00f067aa0ba902b7',
    sampled: true,
    startedAtMs: 1_795_489_271_050,
    durationMs: 20,
    ttfbMs: 15,
    method: 'GET',
    path: '/web/a',
    host: 'web.mesh',
    scheme: 'http',
    protocol: '1.1',
    status: 200,
    source: 'upstream',
    grpcStatus: null,
    serviceId: 'service-1',
    routeId: 'route-1',
    clientAddress: '10.0.0.9',
    userAgent: 'probe/1',
    bytesIn: 160,
    bytesOut: 307,
    tries: [{ instance: '10.0.0.1:80', status: 200, connectMs: 1, ttfbMs: 15, ms: 17, startedAfterMs: 2 }],
    ...changed,
  }
}

/** A try, answered with 200 unless changed. */
export function aTry(changed: Partial<Outcome['tries'][number]> = {}): Outcome['tries'][number] {
  return {
    instance: '10.0.0.1:80',
    status: 200,
    connectMs: 1,
    ttfbMs: 5,
    ms: 6,
    startedAfterMs: 1,
    ...changed,
  }
}

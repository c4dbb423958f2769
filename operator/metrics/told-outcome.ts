import { type Outcome, SOURCES } from '../../plugins/outcomes/outcome.ts'
import type { CountedOutcome } from '../sync/request-counter.ts'

/** What became of one request, as a plugin process tells it (plugins/outcomes/outcome.ts), as far as operators use it. */
export interface ToldOutcome extends CountedOutcome {
  /** The gateway's span of the request: what the service that got it names as its parent. */
  readonly spanId: string | null
  /** Epoch ms. */
  readonly startedAtMs: number
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly host: string
  readonly source: Outcome['source']
  readonly grpcStatus: number | null
  readonly tries: readonly ToldTry[]
}

export interface ToldTry {
  /** `host:port`. */
  readonly instance: string
  /** A status, `connect_error` or `timeout`. */
  readonly status: number | string
  readonly ms: number | null
}

type Fields = Readonly<Record<string, unknown>>

/** One line of outcomes; null for what is none. What is not needed to count it may be missing. */
export function toldOutcome(line: string): ToldOutcome | null {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return null // dropped, and counted as such
  }
  if (typeof value !== 'object' || value === null) return null
  const told = value as Fields
  const { serviceId, status } = told
  const tries = Array.isArray(told['tries']) ? told['tries'].map(tryOf) : null
  if (typeof status !== 'number' || status < 100 || status > 999 || tries === null) return null
  if (serviceId !== null && typeof serviceId !== 'string') return null
  if (!tries.every((each) => each !== null)) return null
  return {
    serviceId,
    status,
    tries,
    instances: tries.map(({ instance }) => instance),
    durationMs: milliseconds(told['durationMs']) ?? 0,
    requestId: id(told['requestId']),
    traceId: id(told['traceId']),
    spanId: id(told['spanId']),
    parentSpanId: id(told['parentSpanId']),
    startedAtMs: milliseconds(told['startedAtMs']) ?? 0,
    method: text(told['method'], 32),
    path: text(told['path'], 1_024),
    host: text(told['host'], 256),
    source: SOURCES.find((each) => each === told['source']) ?? 'upstream',
    grpcStatus: typeof told['grpcStatus'] === 'number' ? told['grpcStatus'] : null,
  }
}

function tryOf(value: unknown): ToldTry | null {
  if (typeof value !== 'object' || value === null) return null
  const { instance, status, ms } = value as Fields
  if (typeof instance !== 'string') return null
  const isStatus = typeof status === 'number' || (typeof status === 'string' && status.length <= 32)
  return { instance, status: isStatus ? status : 0, ms: milliseconds(ms) }
}

const id = (value: unknown): string | null => (typeof value === 'string' && value.length <= 64 ? value : null)

const text = (value: unknown, most: number): string => (typeof value === 'string' ? value.slice(0, most) : '')

const milliseconds = (value: unknown): number | null =>
  typeof value === 'number' && value >= 0 && value < 8.64e15 ? value : null

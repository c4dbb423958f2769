// kong.log.serialize becomes an outcome, for mesh-observer. It says less than the access log: no connect times, how long
// a try took only from where the next began, and of gRPC only what came as a header. Read off a running Kong 3.9.1.
import { parseTraceparent } from '../propagation/formats/traceparent.ts'
import type { MeshHeaderCodec } from './mesh-headers.ts'
import { CLIENT_CLOSED, MAX_PATH_CHARS, MAX_USER_AGENT_CHARS, type Outcome, type Try } from './outcome.ts'
import { pathOf } from './request-line.ts'
import { entries, instanceOf, MAX_TRIES, NOBODY, statusesAhead } from './tries.ts'

type Table = Readonly<Record<string, unknown>>

/**
 * Reads the JSON text of kong.log.serialize; null for what is none. Service and route are Kong's own; the span counts
 * only where mesh-tracing wrote the headers (`codec`).
 */
export function outcomeFromSerialize(json: string, codec: MeshHeaderCodec): Outcome | null {
  const root = parsed(json)
  if (root === null) return null
  const request = table(root['request'])
  const response = table(root['response'])
  const latencies = table(root['latencies'])
  const headers = table(request['headers'])
  const startedAtMs = number(root['started_at'])
  const durationMs = number(latencies['request'])
  const logged = number(response['status'])
  if (startedAtMs === null || durationMs === null || logged === null) return null
  const status = logged < 100 ? 502 : logged
  const tries = triesOf(root, { startedAtMs, durationMs, status })
  const last = tries[tries.length - 1]
  const mesh = codec.read(text(headers['x-mesh-route']), text(headers['x-mesh-span']))
  const trace = mesh?.trace ?? parseTraceparent(text(headers['traceparent']))
  const url = text(request['url'])
  const userAgent = text(headers['user-agent'])
  return {
    requestId: text(request['id']),
    traceId: trace?.traceId ?? null,
    spanId: mesh === null ? null : (trace?.parentId ?? null),
    parentSpanId: mesh?.parentSpanId ?? null,
    sampled: trace?.sampled ?? false,
    startedAtMs,
    durationMs,
    ttfbMs: last?.ttfbMs ?? null,
    method: text(request['method']),
    path: pathOf(text(request['uri'])).slice(0, MAX_PATH_CHARS),
    host: hostOf(url),
    scheme: url.slice(0, Math.max(0, url.indexOf('://'))),
    protocol: '',
    status,
    source: sourceOf(status, last),
    grpcStatus: grpcStatusOf(table(response['headers'])['grpc-status']),
    serviceId: id(root['service']),
    routeId: id(root['route']),
    clientAddress: text(root['client_ip']),
    userAgent: userAgent === '' ? null : userAgent.slice(0, MAX_USER_AGENT_CHARS),
    bytesIn: number(request['size']) ?? 0,
    bytesOut: number(response['size']) ?? 0,
    tries,
  }
}

interface Times {
  readonly startedAtMs: number
  readonly durationMs: number
  readonly status: number
}

/**
 * Kong writes no tries as `{}`, and a try for which nobody was left without address. `state` and `code` are those of
 * tries that Kong gave up; the answers are in `upstream_status` ("502, 200"). Where Kong answered in the end, its last
 * status is not an instance's. Statuses that are not as many as the tries belong to the last of them, of whomever.
 */
function triesOf(root: Table, { startedAtMs, durationMs, status }: Times): Try[] {
  const rows = Array.isArray(root['tries']) ? root['tries'].map(table) : []
  const said = text(root['upstream_status'])
  const statuses = entries(said)
  const isAnswered = root['source'] === 'upstream' && status !== CLIENT_CLOSED
  const isHttp = (number(table(root['response'])['status']) ?? 0) >= 100
  const proxyMs = number(table(root['latencies'])['proxy'])
  const ahead = statusesAhead(said, rows.length)
  const tries: Try[] = []
  for (const [i, row] of rows.entries()) {
    const address = addressOf(row)
    if (address === null) continue
    const start = number(row['balancer_start'])
    const next = rows[i + 1]
    const end = next === undefined ? startedAtMs + durationMs : number(next['balancer_start'])
    const isLast = next === undefined
    const answered = Number(statuses[i + ahead] || Number.NaN)
    tries.push({
      instance: ahead === 0 ? address : NOBODY,
      status: isLast && !isHttp ? status : tryStatus(answered, row['code'], isLast && isAnswered),
      connectMs: null,
      ttfbMs: isLast && isAnswered && proxyMs !== null && proxyMs >= 0 && answered > 0 ? proxyMs : null,
      ms: start === null || end === null ? null : Math.max(0, end - start),
      startedAfterMs: start === null ? null : Math.max(0, start - startedAtMs),
    })
  }
  return tries.slice(-MAX_TRIES)
}

function tryStatus(answered: number, code: unknown, isAnswer: boolean): Try['status'] {
  if (!Number.isInteger(answered)) return CLIENT_CLOSED
  if (isAnswer) return answered
  if (answered === 504) return 'timeout'
  // A connection that breaks on a request that is not tried again has no code; one that is not made always has.
  return answered === 502 && code !== undefined ? 'connect_error' : answered
}

function addressOf(row: Table): string | null {
  const ip = text(row['ip'])
  const port = number(row['port'])
  if (ip === '' || port === null) return null
  return instanceOf(ip.includes(':') && !ip.startsWith('[') ? `[${ip}]:${port}` : `${ip}:${port}`)
}

function sourceOf(status: number, last: Try | undefined): Outcome['source'] {
  if (status === CLIENT_CLOSED || last?.status === CLIENT_CLOSED) return 'client_abort'
  return last === undefined ? 'exit' : 'upstream'
}

/** The host of `http://host:port/path`, as `$host` in the access log has it. */
function hostOf(url: string): string {
  const match = /^[a-z]+:\/\/(\[[^\]]*\]|[^/:]*)/.exec(url)
  return match?.[1]?.toLowerCase() ?? ''
}

function grpcStatusOf(value: unknown): number | null {
  const digits = String(value ?? '')
  return /^(?:\d|1[0-6])$/.test(digits) ? Number(digits) : null
}

function parsed(json: string): Table | null {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : null
  } catch {
    return null // that it cannot be read is all there is to know
  }
}

const NOTHING: Table = {}

const table = (value: unknown): Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : NOTHING

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

const number = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null)

const id = (value: unknown): string | null => text(table(value)['id']) || null

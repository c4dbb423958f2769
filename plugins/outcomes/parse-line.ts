// A line of Kong's access log, as log-format.ts has it written, becomes an outcome. Pure: no I/O, no clock. Nothing
// throws, whatever the datagram holds.
import { parseTraceparent } from '../propagation/formats/traceparent.ts'
import { type LogLine, linePrefix } from './log-format.ts'
import { createMeshHeaderCodec, type MeshHeaders } from './mesh-headers.ts'
import { CLIENT_CLOSED, MAX_PATH_CHARS, MAX_USER_AGENT_CHARS, type Outcome, type Try } from './outcome.ts'
import { readRequestLine } from './request-line.ts'
import { millis, readTries } from './tries.ts'

/** Why a datagram is no line of ours: of somebody else, cut off, or otherwise unreadable. */
export const LINE_FAULTS = ['token', 'truncated', 'malformed'] as const
export type LineFault = (typeof LINE_FAULTS)[number]

/** Reads datagrams of the form `<190>Nov 23 17:22:43 mesh: {json}`. */
export type LineParser = (datagram: Buffer) => Outcome | LineFault

/** A parser of lines that carry `token`, the feed's. @throws RangeError when the token could not stand in a line. */
export function createLineParser(token: string): LineParser {
  const prefix = Buffer.from(linePrefix(token))
  const codec = createMeshHeaderCodec(token)
  return (datagram) => {
    const from = datagram.indexOf(OPENING)
    if (from < 0) return 'malformed'
    const afterPrefix = from + prefix.length
    if (
      datagram.length < afterPrefix ||
      datagram.compare(prefix, 0, prefix.length, from, afterPrefix) !== 0
    ) {
      return 'token'
    }
    let end = datagram.length
    while (end > from && datagram[end - 1]! <= SPACE) end--
    if (datagram[end - 1] !== CLOSING) return 'truncated'
    const line = parsed(datagram.toString('utf8', from, end))
    return line === null ? 'malformed' : outcomeOf(line, codec.read(text(line.r), text(line.x)))
  }
}

const OPENING = 0x7b
const CLOSING = 0x7d
const SPACE = 0x20

/** A value that is no text counts as missing: the token says who wrote the line, not which version of it. */
const text = (value: unknown): string => (typeof value === 'string' ? value : '')

function parsed(json: string): Partial<LogLine> | null {
  try {
    return JSON.parse(json) as Partial<LogLine>
  } catch {
    return null // that it cannot be read is all there is to know
  }
}

function outcomeOf(line: Partial<LogLine>, mesh: MeshHeaders | null): Outcome | LineFault {
  const endedAtMs = millis(text(line.t))
  const durationMs = millis(text(line.d))
  const logged = count(text(line.s))
  if (endedAtMs === null || durationMs === null || logged === 0) return 'malformed'
  const { method, path, protocol } = readRequestLine(text(line.q))
  const tries = readTries(
    {
      addresses: text(line.a),
      statuses: text(line.us),
      connectTimes: text(line.uc),
      headerTimes: text(line.uh),
      responseTimes: text(line.ut),
    },
    lastStart(text(line.l), tail(text(line.ut)), durationMs),
  )
  const last = tries[tries.length - 1]
  const trace = mesh?.trace ?? parseTraceparent(text(line.tp))
  // nginx logs 009 for an instance that does not speak HTTP, and hands on what it said: no answer to the client.
  const status = logged < 100 ? 502 : logged
  const userAgent = text(line.ua)
  return {
    requestId: text(line.i),
    traceId: trace?.traceId ?? null,
    spanId: mesh === null ? null : (trace?.parentId ?? null),
    parentSpanId: mesh?.parentSpanId ?? null,
    sampled: trace?.sampled ?? false,
    startedAtMs: endedAtMs - durationMs,
    durationMs,
    ttfbMs: last?.ttfbMs ?? null,
    method,
    path: path.length > MAX_PATH_CHARS ? path.slice(0, MAX_PATH_CHARS) : path,
    host: text(line.h),
    scheme: text(line.c),
    protocol,
    status,
    source: sourceOf(status, last),
    grpcStatus: grpcStatusOf(text(line.gt) || text(line.gh)),
    serviceId: mesh?.serviceId ?? null,
    routeId: mesh?.routeId ?? null,
    clientAddress: text(line.ra),
    userAgent: userAgent === '' ? null : userAgent.slice(0, MAX_USER_AGENT_CHARS),
    bytesIn: count(text(line.bi)),
    bytesOut: count(text(line.bo)),
    tries: logged < 100 && last !== undefined ? [...tries.slice(0, -1), { ...last, status }] : tries,
  }
}

/** A try without status is one that the client did not wait for, or did not send all of its request for. */
function sourceOf(status: number, last: Try | undefined): Outcome['source'] {
  if (last === undefined) return status === CLIENT_CLOSED ? 'client_abort' : 'exit'
  const isCutShort = last.ttfbMs === null && (status === CLIENT_CLOSED || last.status === CLIENT_CLOSED)
  return isCutShort ? 'client_abort' : 'upstream'
}

/**
 * When the last try started: X-Kong-Proxy-Latency is the time until then. Where that header is turned off, the try is
 * taken to have ended with the request.
 */
function lastStart(proxyLatency: string, responseTime: string, durationMs: number): number | null {
  if (proxyLatency !== '') return Math.min(count(proxyLatency), durationMs)
  const ms = millis(responseTime)
  return ms === null ? null : Math.max(0, durationMs - ms)
}

function tail(list: string): string {
  const comma = list.lastIndexOf(', ')
  return comma < 0 ? list : list.slice(comma + 2)
}

const count = (digits: string): number => {
  const value = Number(digits)
  return Number.isSafeInteger(value) && value > 0 ? value : 0
}

/** A code of gRPC: 0 to 16. https://grpc.io/docs/guides/status-codes/ */
function grpcStatusOf(digits: string): number | null {
  return /^(?:\d|1[0-6])$/.test(digits) ? Number(digits) : null
}

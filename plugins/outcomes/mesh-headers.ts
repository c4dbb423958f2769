// The two request headers by which mesh-tracing tells the access log what only it knows, and the seal on them. Without a
// seal a client could write them where mesh-tracing does not run, and so blame a service for failures of another.
import { createHmac } from 'node:crypto'
import { formatTraceparent, parseTraceparent, type Traceparent } from '../propagation/formats/traceparent.ts'
import { isLowerHex } from '../propagation/hex.ts'

/** `<service id>/<route id>`; the route id may be empty. */
export const ROUTE_HEADER = 'X-Mesh-Route'
/** `<id of the caller's span, or zeros>-<seal>`; between them `<traceparent>-` of our span where that header is not ours. */
export const SPAN_HEADER = 'X-Mesh-Span'

export interface MeshHeaders {
  readonly serviceId: string
  readonly routeId: string | null
  readonly parentSpanId: string | null
  /** Our span, where the request goes on without a traceparent of ours: in B3 alone, say. */
  readonly trace?: Traceparent
}

export interface WrittenMeshHeaders {
  readonly [ROUTE_HEADER]: string
  readonly [SPAN_HEADER]: string
}

export type MeshHeaderWriter = (parentSpanId: string | null, trace?: Traceparent) => WrittenMeshHeaders

export interface MeshHeaderCodec {
  /** For mesh-tracing's setHeaders, beside the headers of the trace. They replace what a client sent. */
  write(headers: MeshHeaders): WrittenMeshHeaders
  /** The same for many requests of one route. */
  writerFor(route: Pick<MeshHeaders, 'serviceId' | 'routeId'>): MeshHeaderWriter
  /** What the headers say; null when they are not there or were not written by `write` with the same token. */
  read(route: string, span: string): MeshHeaders | null
}

const NO_SPAN = '0000000000000000'
const SPAN_CHARS = NO_SPAN.length
const SEAL_CHARS = 16
const SHORT_CHARS = SPAN_CHARS + 1 + SEAL_CHARS
/** With a traceparent of 55 characters. */
const LONG_CHARS = SHORT_CHARS + 55 + 1
/** Far more than there are routes; forgotten all at once. */
const MAX_SEALS = 20_000

/**
 * Writes and reads the headers. The seal is of service and route alone, so that it is computed once for each; upstreams
 * see it, clients do not. `token` is the feed's.
 */
export function createMeshHeaderCodec(token: string): MeshHeaderCodec {
  const seals = new Map<string, string>()
  const seal = (route: string): string =>
    seals.get(route) ?? createHmac('sha256', token).update(route).digest('hex').slice(0, SEAL_CHARS)
  /** Only of routes that exist: what clients make up is not remembered. */
  const keep = (route: string, made: string): void => {
    if (seals.has(route)) return
    if (seals.size >= MAX_SEALS) seals.clear()
    seals.set(route, made)
  }
  const writerFor: MeshHeaderCodec['writerFor'] = ({ serviceId, routeId }) => {
    const route = `${serviceId}/${routeId ?? ''}`
    const made = seal(route)
    keep(route, made)
    // The names spelt out: computed ones cost ten times as much.
    return (parentSpanId, trace) => ({
      'X-Mesh-Route': route,
      'X-Mesh-Span':
        trace === undefined
          ? `${parentSpanId ?? NO_SPAN}-${made}`
          : `${parentSpanId ?? NO_SPAN}-${formatTraceparent(trace)}-${made}`,
    })
  }
  return {
    write: (headers) => writerFor(headers)(headers.parentSpanId, headers.trace),
    writerFor,
    read(route, span) {
      const slash = route.indexOf('/')
      if (slash <= 0 || (span.length !== SHORT_CHARS && span.length !== LONG_CHARS)) return null
      if (span[SPAN_CHARS] !== '-') return null
      const made = seal(route)
      if (!span.endsWith(`-${made}`) || !isLowerHex(span, 0, SPAN_CHARS)) return null
      const told = traceparentIn(span)
      const trace = told === null ? undefined : parseTraceparent(told)
      if (trace === null) return null
      keep(route, made)
      const parent = span.slice(0, SPAN_CHARS)
      const headers = {
        serviceId: route.slice(0, slash),
        routeId: slash === route.length - 1 ? null : route.slice(slash + 1),
        parentSpanId: parent === NO_SPAN ? null : parent,
      }
      return trace === undefined ? headers : { ...headers, trace }
    },
  }
}

/** The traceparent in `X-Mesh-Span`, whoever wrote it; null when there is none. */
export const traceparentIn = (span: string): string | null =>
  span.length === LONG_CHARS ? span.slice(SPAN_CHARS + 1, -SEAL_CHARS - 1) : null

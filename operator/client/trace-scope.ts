// What a request that is being served hands on to the calls it makes. Pure: ids and dice are arguments.
import type { CurrentSpan } from '../../plugins/propagation/current-span.ts'
import { extract } from '../../plugins/propagation/extract.ts'
import { isTraceHeader } from '../../plugins/propagation/header-names.ts'
import { outgoing, type RandomSource } from '../../plugins/propagation/outgoing.ts'
import { PROPAGATION_DEFAULTS } from '../../plugins/propagation/propagation-config.ts'
import type { RequestHeaders } from '../../plugins/propagation/request-headers.ts'
import { contextOf, type TraceContext } from '../../plugins/propagation/trace-context.ts'

/** One piece of work: a request that is served, a message that is handled. */
export interface TraceScope {
  /** Of what came in, those of traces. */
  readonly trace: RequestHeaders
  /** Of what came in, those that go on beside them. */
  readonly forwarded: RequestHeaders
  /** The span of this work. */
  readonly span: CurrentSpan
}

/** A call that goes out. */
export interface Outgoing {
  /** Names in lower case; a name with several values has an array. */
  readonly headers: Record<string, string | string[]>
  /** The call's own span, where the headers name it. */
  readonly span: CurrentSpan | null
}

/** @param headers names in lower case, as node:http's headersDistinct or as an object of texts */
export function scopeOf(
  headers: RequestHeaders,
  forward: readonly string[],
  samplingRate: number,
  random: RandomSource,
): TraceScope {
  const trace: Record<string, string | readonly string[]> = {}
  const forwarded: Record<string, string | readonly string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    if (isTraceHeader(name)) trace[name] = single(value)
    else if (forward.includes(name)) forwarded[name] = single(value)
  }
  const config = { ...PROPAGATION_DEFAULTS, samplingRate }
  return { trace, forwarded, span: outgoing(trace, extract(trace, config), config, random).span }
}

/**
 * The headers of a call.
 * @param isRecorded whether spans of this process are kept: a parent that nobody knows would tear the trace apart, so
 *   that without it the headers go on as they came
 */
export function callHeaders(scope: TraceScope, isRecorded: boolean, random: RandomSource): Outgoing {
  const { trace, forwarded, span } = scope
  const came = { ...forwarded, ...trace }
  const hasTrace = span.context?.traceId != null
  if (hasTrace && !isRecorded) return { headers: plain(came), span: null }
  const next = outgoing(trace, within(span), PROPAGATION_DEFAULTS, random)
  const { set, remove } = next.headers
  const headers: Record<string, string | readonly string[] | undefined> = { ...came, ...set }
  for (const name of remove) delete headers[name]
  return { headers: plain(headers), span: next.span }
}

/** What a call finds when it looks for the trace it belongs to: that of the work, whose span is its parent. */
function within({ traceId, spanId, sampled, context }: CurrentSpan): TraceContext {
  const known = { traceId, parentSpanId: spanId, sampled }
  if (context?.traceId != null) return { ...context, ...known }
  // Only a decision came, or nothing: its format may be one that has no room for the id (Datadog, OT: 64 bits).
  const begun = { traceIdBytes: 16, isRandom: true, baggage: context?.baggage ?? [] }
  return contextOf(PROPAGATION_DEFAULTS.defaultFormat, { ...begun, ...known })
}

/** A header that came once has its value, not a list of it. */
const single = (value: string | readonly string[]): string | readonly string[] =>
  typeof value !== 'string' && value.length === 1 ? value[0]! : value

function plain(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Outgoing['headers'] {
  const copy: Outgoing['headers'] = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) copy[name] = typeof value === 'string' ? value : [...value]
  }
  return copy
}

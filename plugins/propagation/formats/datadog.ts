// Datadog: x-datadog-trace-id, -parent-id (decimal, 64 bits) and -sampling-priority.
import type { CurrentSpan } from '../current-span.ts'
import { lowDecimal, parseDecimal, spanIdOf } from '../decimal.ts'
import type { HeaderDraft } from '../header-changes.ts'
import { isZero } from '../hex.ts'
import { cameIn, type RequestHeaders, soleValue } from '../request-headers.ts'
import { contextOf, type TraceContext } from '../trace-context.ts'

const NAMES = ['x-datadog-trace-id', 'x-datadog-parent-id', 'x-datadog-sampling-priority']
/** What else belongs to a trace, and is read by Datadog's tracers alone: a half of its id (_dd.p.tid) among it. */
const OF_ITS_TRACE = ['x-datadog-tags', 'x-datadog-origin']
const KEPT = ['1', '2']
const DROPPED = ['0', '-1']

/** Null when nothing usable came, or with a priority that does not exist. 0 is no id. */
export function extractDatadog(headers: RequestHeaders): TraceContext | null {
  const priority = readPriority(headers)
  if (priority === 'unknown') return null
  const sampled = priority === null ? null : KEPT.includes(priority)
  const trace = parseDecimal(soleValue(headers, 'x-datadog-trace-id') ?? '')
  if (trace === null) return sampled === null ? null : contextOf('datadog', { sampled, priority })
  // Of a longer number the last 64 bits go on; where they are zero it is no id.
  if (BigInt.asUintN(64, trace) === 0n) return contextOf('datadog', { sampled, priority })
  const hex = trace.toString(16)
  const parent = parseDecimal(soleValue(headers, 'x-datadog-parent-id') ?? '')
  return contextOf('datadog', {
    traceId: hex.padStart(32, '0'),
    traceIdBytes: Math.ceil(hex.length / 2),
    parentSpanId: parent === null ? null : spanIdOf(parent),
    sampled,
    priority,
  })
}

/**
 * Writes the last 64 bits of the trace id, the span and the decision; a user's keep or drop stays one. A trace whose last
 * 64 bits are zero has no id here: nothing is written, and nothing of another trace stays.
 */
export function injectDatadog(draft: HeaderDraft, headers: RequestHeaders, span: CurrentSpan): void {
  const hasNoId = isZero(span.traceId, 16)
  const others = OF_ITS_TRACE.filter((name) => cameIn(headers, name))
  if (others.length > 0 && (hasNoId || !namesTrace(headers, span.traceId))) draft.remove.push(...others)
  if (hasNoId) {
    draft.remove.push(...NAMES.filter((name) => cameIn(headers, name)))
    return
  }
  draft.set['x-datadog-trace-id'] = lowDecimal(span.traceId)
  draft.set['x-datadog-parent-id'] = lowDecimal(span.spanId)
  draft.set['x-datadog-sampling-priority'] = span.context?.priority ?? (span.sampled ? '1' : '0')
}

/** Whether the trace that came in these headers is this one, by the 64 bits that both have. */
function namesTrace(headers: RequestHeaders, traceId: string): boolean {
  const trace = parseDecimal(soleValue(headers, 'x-datadog-trace-id') ?? '')
  return trace !== null && BigInt.asUintN(64, trace).toString() === lowDecimal(traceId)
}

function readPriority(headers: RequestHeaders): string | null {
  if (!cameIn(headers, 'x-datadog-sampling-priority')) return null
  const value = soleValue(headers, 'x-datadog-sampling-priority') ?? ''
  return KEPT.includes(value) || DROPPED.includes(value) ? value : 'unknown'
}

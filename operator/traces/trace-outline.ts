import { CONSUMER, PRODUCER, SERVER } from './otlp/span-input.ts'
import type { StoredSpan, StoredTrace } from './stored-trace.ts'

/** What is known of a trace as a whole. */
export interface TraceOutline {
  /** Of the first of its spans without a parent, else of the first whose parent is missing. */
  readonly root: StoredSpan
  readonly startUs: number
  readonly durationMs: number
  /** Those that sent spans and those that the gateway called, by name. */
  readonly services: readonly string[]
  /** By how much spans of other clocks are moved, in microseconds; null where all clocks agree. */
  readonly shifts: ReadonlyMap<StoredSpan, number> | null
}

/** Made once for each state of a trace. A trace has at least one span. */
export function outlineOf(trace: StoredTrace): TraceOutline {
  const known = trace.outline as TraceOutline | null
  if (known !== null) return known
  const outline = makeOutline(trace)
  trace.outline = outline
  return outline
}

/** Where a span begins once the clocks are brought together, in microseconds since 1970. */
export const startOf = (span: StoredSpan, { shifts }: Pick<TraceOutline, 'shifts'>): number =>
  span.startUs + (shifts?.get(span) ?? 0)

function makeOutline(trace: StoredTrace): TraceOutline {
  const shifts = new Map<StoredSpan, number>()
  const services = new Set<string>()
  let startUs = Number.POSITIVE_INFINITY
  let endUs = Number.NEGATIVE_INFINITY
  let root = trace.spans[0]!
  let rank = -1
  const waiting: StoredSpan[] = trace.spans.filter(({ parent }) => parent === undefined)
  for (const top of waiting) {
    const isFirst = top.parentId === '' ? 1 : 0
    if (isFirst > rank || (isFirst === rank && top.startUs < root.startUs)) {
      root = top
      rank = isFirst
    }
  }
  for (let span = waiting.pop(); span !== undefined; span = waiting.pop()) {
    const shift = shiftOf(span, shifts)
    if (shift !== 0) shifts.set(span, shift)
    const from = span.startUs + shift
    startUs = Math.min(startUs, from)
    endUs = Math.max(endUs, from + span.durationNs / 1_000)
    services.add(span.service)
    if (span.isGateway && span.calls !== null) services.add(span.calls.value as string)
    for (let child = span.firstChild; child !== undefined; child = child.nextSibling) waiting.push(child)
  }
  return {
    root,
    startUs,
    durationMs: (endUs - startUs) / 1_000,
    services: [...services].sort(),
    shifts: shifts.size === 0 ? null : shifts,
  }
}

/**
 * Another service has another clock: a request cannot be served before it was sent, nor begin after it was answered.
 * Such a span is moved into the middle of the one that called it, and what it called with it.
 */
function shiftOf(span: StoredSpan, shifts: ReadonlyMap<StoredSpan, number>): number {
  const { parent } = span
  if (parent === undefined) return 0
  const inherited = shifts.get(parent) ?? 0
  if (parent.service === span.service) return inherited
  // What is handed over to be done later may well begin later.
  const isAwaited = span.kind !== CONSUMER && (span.kind === SERVER || parent.kind !== PRODUCER)
  const parentStart = parent.startUs + inherited
  const parentEnd = parentStart + parent.durationNs / 1_000
  const isOutside = span.startUs < parentStart || span.startUs > parentEnd
  if (!isAwaited || !isOutside) return 0
  const room = Math.max(0, (parent.durationNs - span.durationNs) / 2_000)
  return parentStart + room - span.startUs
}

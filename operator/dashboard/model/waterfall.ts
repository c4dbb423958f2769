/** A trace as rows of bars. */

import type { Span, Trace } from './trace-shapes.ts'

export interface SpanRow {
  readonly span: Span
  /** Percent of the whole width. */
  readonly left: number
  readonly width: number
  readonly isCritical: boolean
  readonly hasChildren: boolean
  /** Spans below it that a collapsed row hides. */
  readonly below: number
}

/** Bars thinner than this, in percent, could not be seen. */
const THINNEST = 0.3

/** Rows of the tree without what is below a collapsed span. */
export function spanRows(trace: Trace, collapsed: ReadonlySet<string>): readonly SpanRow[] {
  const whole = Math.max(
    trace.total_duration,
    ...trace.spans.map(({ offset, duration }) => offset + duration),
    0.001,
  )
  const critical = new Set(trace.critical_path)
  const rows: SpanRow[] = []
  let hiddenBelow = Number.POSITIVE_INFINITY
  trace.spans.forEach((span, index) => {
    if (span.depth > hiddenBelow) return
    hiddenBelow = collapsed.has(span.span_id) ? span.depth : Number.POSITIVE_INFINITY
    const below = countBelow(trace.spans, index)
    const left = Math.min(100 - THINNEST, Math.max(0, (100 * span.offset) / whole))
    rows.push({
      span,
      left,
      width: Math.min(100 - left, Math.max(THINNEST, (100 * span.duration) / whole)),
      isCritical: critical.has(span.span_id),
      hasChildren: below > 0,
      below,
    })
  })
  return rows
}

function countBelow(spans: readonly Span[], index: number): number {
  const { depth } = spans[index]!
  let end = index + 1
  while (end < spans.length && spans[end]!.depth > depth) end++
  return end - index - 1
}

/** Marks of the time axis: round numbers, about as many as asked. */
export function ticks(totalMs: number, about: number): readonly number[] {
  if (!(totalMs > 0)) return [0]
  const raw = totalMs / about
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= raw) ?? 10 * power
  return Array.from({ length: Math.floor(totalMs / step + 1e-9) + 1 }, (_, index) => index * step)
}

/** Whose time a span is: what a caller waited for a service is the service's. */
export function workerOf({ service, kind, attributes }: Span): string {
  const called = kind === 'client' ? attributes['peer.service'] : undefined
  return typeof called === 'string' && called !== '' ? called : service
}

/** Which instance was called, where the span says so. */
export function calledInstance({ kind, attributes }: Span): string | null {
  const instance = kind === 'client' ? attributes['mesh.instance'] : undefined
  return typeof instance === 'string' ? instance : null
}

/** A colour of its own for each service of a trace, by the order in which they appear. */
export function serviceColours(spans: readonly Span[], colours: number): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const span of spans) {
    const worker = workerOf(span)
    if (!found.has(worker)) found.set(worker, found.size % colours)
  }
  return found
}

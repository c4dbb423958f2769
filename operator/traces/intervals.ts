// Time that a span spends itself, and the path through a trace that decides how long it takes.
import { CLIENT, SERVER } from './otlp/span-input.ts'
import type { StoredSpan, StoredTrace } from './stored-trace.ts'
import { outlineOf, startOf } from './trace-outline.ts'

export interface SpanTimes {
  readonly startUs: number
  readonly endUs: number
  /** Without what its children take, at the same time or not. */
  selfMs: number
  /** The part of the whole trace's duration that is this span's own. 0 off the critical path. */
  criticalMs: number
}

export type TraceTimes = ReadonlyMap<StoredSpan, SpanTimes>

/** Times of all spans of a trace. Costs as much as sorting its spans. */
export function traceTimes(trace: StoredTrace): TraceTimes {
  const outline = outlineOf(trace)
  const times = new Map<StoredSpan, SpanTimes>()
  for (const span of trace.spans) {
    const startUs = startOf(span, outline)
    times.set(span, { startUs, endUs: startUs + span.durationNs / 1_000, selfMs: 0, criticalMs: 0 })
  }
  const children = childrenOf(trace, times)
  for (const [span, own] of times) own.selfMs = ownTime(own, children.get(span) ?? [], times)
  walkCriticalPath(outline.root, children, times)
  return times
}

/**
 * Who works for whom. Spans below the gateway's span that began while one of its tries was under way are the work of that
 * try: the traceparent that its service got names the gateway's span, not the try's.
 */
function childrenOf(trace: StoredTrace, times: TraceTimes): ReadonlyMap<StoredSpan, StoredSpan[]> {
  const children = new Map<StoredSpan, StoredSpan[]>()
  for (const span of trace.spans) {
    const parent = workedFor(span, times)
    if (parent === undefined) continue
    const known = children.get(parent)
    if (known === undefined) children.set(parent, [span])
    else known.push(span)
  }
  return children
}

function workedFor(span: StoredSpan, times: TraceTimes): StoredSpan | undefined {
  const { parent } = span
  if (parent === undefined || !parent.isGateway || parent.kind !== SERVER || isTry(span, parent))
    return parent
  const { startUs } = times.get(span)!
  let best: StoredSpan | undefined
  for (const each of parent.children()) {
    if (!isTry(each, parent)) continue
    const one = times.get(each)!
    if (one.startUs > startUs || one.endUs < startUs) continue
    if (best === undefined || one.startUs > times.get(best)!.startUs) best = each
  }
  return best ?? parent
}

const isTry = (span: StoredSpan, gateway: StoredSpan): boolean =>
  span.kind === CLIENT && span.isGateway && span.service === gateway.service

function ownTime(own: SpanTimes, children: readonly StoredSpan[], times: TraceTimes): number {
  const parts = children
    .map((child) => times.get(child)!)
    .map(({ startUs, endUs }) => [Math.max(startUs, own.startUs), Math.min(endUs, own.endUs)] as const)
    .filter(([from, to]) => to > from)
    .sort(([left], [right]) => left - right)
  let covered = 0
  let reached = own.startUs
  for (const [from, to] of parts) {
    if (to <= reached) continue
    covered += to - Math.max(from, reached)
    reached = to
  }
  return Math.max(0, own.endUs - own.startUs - covered) / 1_000
}

interface Step {
  readonly span: StoredSpan
  readonly fromUs: number
  readonly untilUs: number
}

/** Backwards from the end: whoever ended last is what was waited for; before it began, whoever ended last before that. */
function walkCriticalPath(
  root: StoredSpan,
  children: ReadonlyMap<StoredSpan, StoredSpan[]>,
  times: TraceTimes,
): void {
  const whole = times.get(root)!
  const waiting: Step[] = [{ span: root, fromUs: whole.startUs, untilUs: whole.endUs }]
  const seen = new Set<StoredSpan>()
  for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
    const { span, fromUs, untilUs } = step
    // Spans arrive in any shape: whoever works for itself is gone through once.
    if (seen.has(span)) continue
    seen.add(span)
    const own = times.get(span)!
    const byEnd = (children.get(span) ?? []).toSorted((a, b) => times.get(b)!.endUs - times.get(a)!.endUs)
    // A child that began before whoever waited for it counts from then on.
    const begin = Math.max(fromUs, own.startUs)
    let cursor = Math.min(untilUs, own.endUs)
    let criticalUs = 0
    for (const child of byEnd) {
      const { startUs, endUs } = times.get(child)!
      if (startUs >= cursor || endUs <= begin) continue
      const until = Math.min(endUs, cursor)
      criticalUs += cursor - until
      waiting.push({ span: child, fromUs: begin, untilUs: until })
      cursor = Math.max(startUs, begin)
      if (cursor <= begin) break
    }
    own.criticalMs = Math.max(0, criticalUs + cursor - begin) / 1_000
  }
}

import { isZero } from './hex.ts'
import type { TraceContext } from './trace-context.ts'

/** The span that outgoing headers name, and the trace it belongs to. */
export interface CurrentSpan {
  /** 32 lower-case hex digits. */
  readonly traceId: string
  /** 16 lower-case hex digits. */
  readonly spanId: string
  /** The caller's span, null at the root of a trace. */
  readonly parentSpanId: string | null
  readonly sampled: boolean
  /** What came in: null when nothing did. Its trace id is null when the trace is new all the same. */
  readonly context: TraceContext | null
}

/**
 * The trace id in one of the sizes (bytes) that a format allows: the one it came in, otherwise the first. Never cut to zeros,
 * which would be no id.
 */
export function sizedTraceId(
  { traceId, context }: CurrentSpan,
  ...allowed: readonly [number, number]
): string {
  const cameWith = context?.traceId ? context.traceIdBytes : 0
  const bytes = isZero(traceId, 16) ? 16 : allowed.includes(cameWith) ? cameWith : allowed[0]
  return traceId.slice(32 - 2 * bytes)
}

/** Whether debug was asked for in a format of `formats`; it does not cross over to others. */
export const isDebug = ({ context }: CurrentSpan, ...formats: readonly string[]): boolean =>
  context?.isDebug === true && formats.includes(context.format)

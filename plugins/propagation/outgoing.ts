import type { CurrentSpan } from './current-span.ts'
import { injectAws } from './formats/aws.ts'
import { injectB3 } from './formats/b3.ts'
import { injectB3Single } from './formats/b3-single.ts'
import { injectDatadog } from './formats/datadog.ts'
import { injectGcp } from './formats/gcp.ts'
import { injectJaeger } from './formats/jaeger.ts'
import { injectMesh } from './formats/mesh.ts'
import { injectOt } from './formats/ot.ts'
import { injectW3c } from './formats/w3c.ts'
import type { HeaderChanges, HeaderDraft } from './header-changes.ts'
import { preservedFormats } from './preserve.ts'
import type { Format, PropagationConfig } from './propagation-config.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { TraceContext } from './trace-context.ts'

/** Where new ids and the dice of the sampler come from. */
export interface RandomSource {
  /** 32 lower-case hex digits, the last 14 of them random at least (W3C level 2), neither half all zeros. */
  traceId(): string
  /** 16 lower-case hex digits, not all zeros. */
  spanId(): string
  /** Evenly spread over [0, 1). */
  unit(): number
}

/** The span that the request gets at the gateway, and what it does to the request's headers. */
export interface Outgoing {
  /** To be recorded when sampled: it is the one that the headers name. */
  readonly span: CurrentSpan
  readonly headers: HeaderChanges
}

/**
 * Continues the trace of `context`, or begins one, and says what to change in `headers`, the request's own. The
 * caller's decision is followed; only where there is none, `samplingRate` decides. Unsampled traces are propagated too.
 * Never throws.
 * @param mayRecord asked when a trace that begins here is to be sampled; false: it is not, there are enough
 */
export function outgoing(
  headers: RequestHeaders,
  context: TraceContext | null,
  config: PropagationConfig,
  random: RandomSource,
  mayRecord: () => boolean = () => true,
): Outgoing {
  const span: CurrentSpan = {
    traceId: context?.traceId ?? random.traceId(),
    spanId: random.spanId(),
    parentSpanId: context?.parentSpanId ?? null,
    sampled: context?.sampled ?? (random.unit() < config.samplingRate && mayRecord()),
    context,
  }
  const draft: HeaderDraft = { set: {}, remove: [] }
  for (const injection of config.inject) {
    const formats = injection === 'preserve' ? preservedFormats(headers, span, config) : [injection]
    for (const format of formats) INJECTORS[format]?.(draft, headers, span)
  }
  return { span, headers: withCleared(draft, headers, config.clear) }
}

/** Clearing comes before injecting, as in Kong: what is written is there, also when it is listed in `clear`. */
function withCleared(draft: HeaderDraft, headers: RequestHeaders, clear: readonly string[]): HeaderChanges {
  const { set, remove } = draft
  for (const name of clear) {
    const lower = name.toLowerCase()
    if (lower === 'tracestate') delete set[lower] // it is what came in, not something written
    if (Object.hasOwn(headers, lower)) remove.push(lower)
  }
  if (remove.length === 0) return draft
  return { set, remove: [...new Set(remove)].filter((name) => !Object.hasOwn(set, name)) }
}

const INJECTORS: Readonly<
  Record<Format, (draft: HeaderDraft, headers: RequestHeaders, span: CurrentSpan) => void>
> = {
  w3c: injectW3c,
  b3: injectB3,
  'b3-single': injectB3Single,
  jaeger: injectJaeger,
  ot: injectOt,
  datadog: injectDatadog,
  aws: injectAws,
  gcp: injectGcp,
  mesh: injectMesh,
}
